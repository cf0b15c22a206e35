"""The window's menus, made from their table, and which entries are offered."""

from __future__ import annotations

from operator import attrgetter

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from motionrgbd.app.gui.menus import MENUS, Menus


class WindowMenus:
    """Calls the methods of a window, or of its parts, that the table names."""

    def __init__(self, window: QMainWindow, menus: Menus = MENUS) -> None:
        self._actions: dict[str, QAction] = {}
        self._menus: dict[str, QAction] = {}
        self._of_menu: dict[str, list[QAction]] = {}
        for title, items in menus:
            menu = window.menuBar().addMenu(title)
            name = title.replace("&", "")
            self._menus[name] = menu.menuAction()
            for item in items:
                action = menu.addAction(item.text)
                action.setShortcuts([QKeySequence(keys) for keys in item.keys])
                method = attrgetter(item.method)(window)
                if item.checked is None:
                    action.triggered.connect(lambda _=False, call=method: call())
                else:
                    action.setCheckable(True)
                    action.setChecked(item.checked)
                    action.toggled.connect(method)
                self._actions[item.method] = action
                self._of_menu.setdefault(name, []).append(action)

    def action(self, method: str) -> QAction:
        """Return the entry that calls a method."""
        return self._actions[method]

    def menu(self, name: str) -> QAction:
        """Return what opens a menu."""
        return self._menus[name]

    def offer(self, method: str, offered: bool) -> None:
        """Show an entry that can be chosen, or hide it."""
        self._actions[method].setVisible(offered)
        self._actions[method].setEnabled(offered)

    def offer_menu(self, name: str, offered: bool) -> None:
        """Show a menu whose entries can all be chosen, or hide it."""
        for action in (*self._of_menu[name], self._menus[name]):
            action.setVisible(offered)
            action.setEnabled(offered)

    def show_menu(self, name: str, shown: bool, enabled: tuple[str, ...]) -> None:
        """Show a menu, or hide it; only some of its entries can be chosen."""
        self._menus[name].setVisible(shown)
        for action in self._of_menu[name]:
            action.setEnabled(False)
        for method in enabled:
            self._actions[method].setEnabled(True)
