"""Which addresses e-mails may come from: whole addresses, and domains written with a leading @."""

from __future__ import annotations

from collections.abc import Collection

from core.letters import fault_of_address, with_lower_domain


def is_allowed(address: str, senders: Collection[str]) -> bool:
    """Whether an address is one of these, or of one of these domains."""
    return not {with_lower_domain(address), f"@{_domain(address)}"}.isdisjoint(senders)


def canonical(sender: str) -> str:
    """Returns a sender in the form to compare by. Raises `ValueError` for what is neither address nor domain."""
    address = f"anybody{sender}" if sender.startswith("@") else sender
    if fault := fault_of_address(address):
        raise ValueError(f"is {sender!r}, which {fault} A whole domain is written @example.com.")
    return with_lower_domain(sender)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
