"""Limits of a policy's table [privacy]."""

import pytest

from resampler.errors import InvalidInputError
from resampler.policy import policy_of
from resampler.quality.privacy.rules import LIMITS, PrivacyRules


def test_the_usual_limits_hold_where_none_is_set():
    assert PrivacyRules.of().limits == LIMITS
    assert PrivacyRules.of().is_guide
    assert PrivacyRules.of(policy_of({"privacy": {"min-rows": 5}})).limits == LIMITS


def test_a_limit_that_is_set_is_all_that_is_asked():
    rules = PrivacyRules.of(policy_of({"privacy": {"exact": 0.1}}), near=0.2)
    assert (rules.limits, rules.fewest, rules.is_guide) == ({"exact": 0.1, "near": 0.2}, 20, False)
    assert PrivacyRules.of(policy_of({"privacy": {"exact": 0.1}}), exact=0.0).limits == {"exact": 0.0}


def test_a_name_that_is_none():
    with pytest.raises(InvalidInputError, match=r"\[privacy\] of the policy has no setting 'auc'"):
        PrivacyRules.of(policy_of({"privacy": {"auc": 0.1}}))
