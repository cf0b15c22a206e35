"""The cockpit on the screen: pages, hints, confirmations."""
