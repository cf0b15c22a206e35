"""What the cockpit shows and what the car does: plain values without a clock of their own.

All times are seconds of the source's clock, as events carry them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Page = Literal["home", "navigation", "media", "climate"]
PointKm = tuple[float, float]

VIEW_HEIGHTS_KM = (8.0, 5.0, 3.2, 2.0, 1.25, 0.8, 0.5)  # of the map, by zoom level
CARDS: tuple[Page, ...] = ("navigation", "media", "climate")  # of the home page, left to right
SEATS = ("left", "right")
VOLUMES = (0, 20)
TEMPERATURES_C = (16.0, 28.0)
TEMPERATURE_STEP_C = 0.5
FANS = (1, 5)
SPEED_M_S = 14.0  # 50 km/h


@dataclass(frozen=True, slots=True)
class Track:
    """A piece of music, invented as the map is."""

    title: str
    artist: str
    duration_s: float


TRACKS = (
    Track("Harbour Lights", "The Night Ferry", 214.0),
    Track("Slow River", "Ada Lindqvist", 187.0),
    Track("Early Train", "Paper Lanterns", 242.0),
    Track("Northbound", "Milo & the Maps", 198.0),
    Track("A Field in June", "Ada Lindqvist", 263.0),
    Track("Quiet Engines", "Paper Lanterns", 176.0),
)


@dataclass(frozen=True, slots=True)
class Display:
    """Everything that gestures set and that can be undone, one field at a time.

    card: the chosen one of `CARDS`. zoom: index of `VIEW_HEIGHTS_KM`. centre_km: of the map; None
    follows the car. overview: the whole route is shown. row: the marked line of the track list.
    """

    page: Page = "navigation"
    card: int = 1
    zoom: int = 3
    centre_km: PointKm | None = None
    overview: bool = False
    guidance: bool = True
    pins: tuple[PointKm, ...] = ()
    track: int = 2
    row: int = 2
    playing: bool = True
    favourites: tuple[int, ...] = ()
    volume: int = 8
    seat: int = 0
    temperatures_c: tuple[float, float] = (21.0, 21.5)
    fan: int = 2
    air_on: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A call that rings or is answered, since when."""

    caller: str
    answered: bool
    since_s: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that add up while something runs. since_s: None while it stands."""

    before_s: float = 0.0
    since_s: float | None = None

    def at(self, now_s: float) -> float:
        """Return the seconds that have added up."""
        return self.before_s + (0.0 if self.since_s is None else now_s - self.since_s)

    def turned(self, on: bool, now_s: float) -> Clock:
        """Return the clock running, or standing, from now on."""
        if on == (self.since_s is not None):
            return self
        return Clock(self.at(now_s), now_s if on else None)


@dataclass(frozen=True, slots=True)
class Undo:
    """A change that can be taken back: what was shown before and after it, and its words."""

    before: Display
    after: Display
    done: str

    def taken_back(self, display: Display) -> Display:
        """Return `display` with the fields that this change set as they were before it."""
        names = changed_fields(self.before, self.after)
        return dataclasses.replace(display, **{name: getattr(self.before, name) for name in names})


@dataclass(frozen=True, slots=True)
class CockpitState:
    """The whole state at one moment.

    used_s: when a gesture last did something, or a call ended. driven, played: of the car and of
    the track. history: oldest first.
    """

    now_s: float
    used_s: float
    display: Display = Display()
    parked: bool = True
    call: Call | None = None
    driven: Clock = Clock()
    played: Clock = Clock()
    history: tuple[Undo, ...] = ()

    @property
    def name(self) -> str:
        """What the car does, as allow-lists call it."""
        return "parked" if self.parked else "driving"

    @property
    def audible(self) -> bool:
        """Whether music is heard: a call interrupts it."""
        return self.display.playing and self.call is None

    @property
    def ringing(self) -> bool:
        """Whether a call waits for an answer."""
        return self.call is not None and not self.call.answered

    def driven_m(self, now_s: float) -> float:
        """Return how far the car has come."""
        return self.driven.at(now_s) * SPEED_M_S


def changed_fields(before: Display, after: Display) -> tuple[str, ...]:
    """Return the names of the fields in which two displays differ."""
    names = (field.name for field in dataclasses.fields(Display))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def state_facts(state: CockpitState) -> dict[str, Any]:
    """Return what the log holds of a state, as flat JSON types."""
    facts = dataclasses.asdict(state.display)
    facts["parked"] = state.parked
    facts["call"] = None if state.call is None else state.call.caller
    facts["call_answered"] = state.call is not None and state.call.answered
    return facts
