"""What each call of a storm does, made from the seed and the number of the call alone."""

import random
from dataclasses import dataclass

from wire import BODY_BYTES_MAX, Orders

KINDS = ["unary", "unary", "clientStream", "serverStream", "bidi"]

# Statuses of early ends; UNAVAILABLE (14) is not among them: so looks a server that is gone.
_ENDINGS = [2, 3, 5, 7, 8, 9, 10, 16]
_MESSAGES_MAX = 12


@dataclass
class Plan:
    """One planned call. `deadline` and `cancel_after` are seconds, None for none."""

    id: int
    kind: str
    sizes: list
    orders: Orders
    deadline: float | None = None
    cancel_after: float | None = None

    def wanted_messages(self):
        """How many answers a call has that ends as planned."""
        end_after = self.orders.end_after
        if self.kind in ("unary", "clientStream"):
            return 0 if end_after >= 0 else 1
        if end_after >= 0:
            return end_after
        return self.orders.count if self.kind == "serverStream" else len(self.sizes)

    def wanted_size(self, seq):
        """The size of the body of an answer; a client stream's has none of its own."""
        if self.orders.size >= 0:
            return self.orders.size
        return 0 if self.kind == "clientStream" else self.sizes[seq]


def new_plan(seed, index, size_max):
    """The plan of call number `index`. Bodies are at most `size_max` bytes."""
    dice = random.Random(f"{seed}/{index}")
    # Below 2^53, and different from calls with another seed.
    call_id = ((seed & 0x1FFFFF) << 32) + index + 1
    kind = dice.choice(KINDS)
    length = dice.randrange(_MESSAGES_MAX + 1) if kind in ("clientStream", "bidi") else 1
    plan = Plan(call_id, kind, [_size(dice, size_max) for _ in range(length)], Orders(call_id))
    if kind == "serverStream":
        plan.orders.count = dice.randrange(_MESSAGES_MAX + 1)
    if kind == "serverStream" or dice.random() < 0.5:
        plan.orders.size = _size(dice, size_max)
    _add_fate(plan, dice)
    return plan


def _add_fate(plan, dice):
    """About one call in five ends otherwise than by its own completion."""
    fate = dice.randrange(16)
    orders = plan.orders
    if fate == 0:  # Cancelled at some moment, perhaps after its end.
        plan.cancel_after = dice.uniform(0, 0.03)
        orders.sleep_ms = dice.randrange(40)
    elif fate == 1:  # A deadline that may or may not pass.
        plan.deadline = dice.uniform(0.001, 0.1)
        orders.sleep_ms = dice.randrange(100)
    elif fate == 2:  # The server ends it early; with OK only where no single answer is due.
        most = orders.count if plan.kind == "serverStream" else len(plan.sizes)
        orders.end_after = dice.randrange(most + 1)
        is_ok = plan.kind in ("serverStream", "bidi") and dice.randrange(4) == 0
        orders.end_status = 0 if is_ok else dice.choice(_ENDINGS)
    elif fate == 3:  # A slow one.
        orders.sleep_ms = dice.randrange(50)


def _size(dice, most):
    """Mostly small; one in 500 goes up to the maximum."""
    number = dice.randrange(500)
    if 130 <= number < 160:
        return 0
    for limit, below in ((1, BODY_BYTES_MAX + 1), (6, 1 << 19), (30, 1 << 16), (130, 1 << 13)):
        if number < limit:
            return dice.randrange(min(below, most + 1))
    return dice.randrange(min(256, most + 1))
