"""`ATTACKS`: one entry an attack, in the order in which reports name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.quality.privacy.attacks.candidates import CANDIDATES
from resampler.quality.privacy.attacks.hull import HULL
from resampler.quality.privacy.attacks.keys import KEYS
from resampler.quality.privacy.attacks.lines import LINES
from resampler.quality.privacy.attacks.means import MEANS, MIXTURE
from resampler.quality.privacy.attacks.membership import BEST, DENSITY, NEAREST
from resampler.quality.privacy.attacks.order import ORDER
from resampler.quality.privacy.attacks.same_rows import SAME_ROWS
from resampler.quality.privacy.attacks.seed import SEED
from resampler.quality.privacy.attacks.times import TIMES
from resampler.quality.privacy.attacks.tolerant import NOISY_LINES, NOISY_ORDER
from resampler.quality.privacy.attacks.values import VALUES

if TYPE_CHECKING:
    from resampler.quality.privacy.attacks.attack import Attack

ATTACKS: dict[str, Attack] = {
    attack.name: attack
    for attack in (
        SAME_ROWS,
        LINES,
        NOISY_LINES,
        ORDER,
        NOISY_ORDER,
        HULL,
        MEANS,
        MIXTURE,
        SEED,
        NEAREST,
        DENSITY,
        BEST,
        TIMES,
        KEYS,
        CANDIDATES,
        VALUES,
    )
}
