"""The evaluator of policies against what AWS documents, case by case."""

import pytest

from iam import allows, arn_like, needs_every_resource, overlaps, reference, takes_resource, trusts

JOB = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/a-1"


def statement(**changed: object) -> dict:
    return {"Effect": "Allow", "Action": "sagemaker:CreateTrainingJob", "Resource": JOB} | changed


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": "a"}}, {"K": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {"k": "A"}, False),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"k": "a"}}, {}, True),
        ({"StringEqualsIfExists": {"k": "a"}}, {"k": "b"}, False),
        ({"StringLike": {"k": "ml.m5.*"}}, {"k": "ml.m5.large"}, True),
        ({"StringLike": {"k": "ml.m5.*"}}, {"k": "ml.p5.48xlarge"}, False),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a", "l": "true"}, True),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a", "l": "false"}, False),
        ({"Null": {"k": "false"}}, {}, False),
        ({"Null": {"k": "false"}}, {"k": "a"}, True),
        ({"Null": {"k": "true"}}, {}, True),
        ({"Null": {"k": "true"}}, {"k": "a"}, False),
        ({"NumericLessThanEquals": {"k": "3600"}}, {"k": "3600"}, True),
        ({"NumericLessThanEquals": {"k": "3600"}}, {"k": "10000"}, False),
        ({"NumericLessThanEquals": {"k": "3600"}}, {}, False),
        # A key that is not there has no value that could fail, which is why Null stands beside it.
        ({"ForAllValues:StringLike": {"k": "a*"}}, {}, True),
        ({"ForAllValues:StringLike": {"k": ["a*", "b"]}}, {"k": ["ab", "b"]}, True),
        ({"ForAllValues:StringLike": {"k": "a*"}}, {"k": ["ab", "b"]}, False),
        ({"ForAnyValue:StringLike": {"k": "a*"}}, {"k": ["ab", "b"]}, True),
        ({"ForAnyValue:StringLike": {"k": "a*"}}, {}, False),
        ({"ArnLike": {"k": "arn:aws:sagemaker:*:123456789012:training-job/*"}}, {"k": JOB}, True),
        ({"ArnEquals": {"k": JOB}}, {"k": JOB.replace("123456789012", "210987654321")}, False),
    ],
)
def test_conditions_hold_as_documented(condition: dict, context: dict, met: bool) -> None:
    assert allows([statement(Condition=condition)], "sagemaker:CreateTrainingJob", JOB, context) == met


def test_an_operator_that_is_not_known_is_no_guess() -> None:
    with pytest.raises(KeyError, match="DateLessThan"):
        allows([statement(Condition={"DateLessThan": {"k": "2026-01-01"}})], "sagemaker:CreateTrainingJob", JOB, {"k": "2025-01-01"})


def test_actions_know_no_case_and_resources_do() -> None:
    assert allows([statement()], "SageMaker:createtrainingjob", JOB)
    assert not allows([statement()], "sagemaker:CreateTrainingJob", JOB.replace("a-1", "A-1"))
    assert allows([statement(Action="sagemaker:Create*", Resource=["x", "*"])], "sagemaker:CreateTrainingJob", JOB)
    assert not allows([statement()], "sagemaker:StopTrainingJob", JOB)
    assert not allows([], "sagemaker:StopTrainingJob", JOB)


def test_a_deny_beats_every_allow() -> None:
    assert not allows([statement(), statement(Effect="Deny", Action="*", Resource="*")], "sagemaker:CreateTrainingJob", JOB)
    unmet = statement(Effect="Deny", Action="*", Resource="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert allows([statement(), unmet], "sagemaker:CreateTrainingJob", JOB, {"aws:SecureTransport": "true"})


def test_a_star_stays_in_its_part_of_an_arn() -> None:
    assert arn_like("arn:aws:s3:::a/b:c", "arn:aws:s3:::a/*")
    assert not arn_like("arn:aws:iam::1:role/a", "arn:*:role/a")


def test_a_trust_policy_names_who_it_trusts() -> None:
    trust = [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    assert trusts(trust, "Service", "sagemaker.amazonaws.com", "sts:AssumeRole")
    assert not trusts(trust, "Service", "ec2.amazonaws.com", "sts:AssumeRole")
    assert not trusts(trust, "AWS", "sagemaker.amazonaws.com", "sts:AssumeRole")


def test_the_reference_knows_actions_resources_and_keys() -> None:
    assert needs_every_resource("sagemaker:ListTrainingJobs")
    assert not needs_every_resource("sagemaker:StopTrainingJob")
    assert "sagemaker:maxruntimeinseconds" in reference("sagemaker:CreateTrainingJob")[1]
    assert takes_resource("sagemaker:StopTrainingJob", JOB)
    assert not takes_resource("sagemaker:StopTrainingJob", "arn:aws:s3:::a-bucket")
    with pytest.raises(AssertionError, match="no action"):
        reference("sagemaker:StartTrainingJob")


@pytest.mark.parametrize(("one", "other", "fit"), [("a*", "*b", True), ("a*c", "ab", False), ("*", "", True), ("a", "b", False)])
def test_patterns_overlap_where_a_text_fits_both(one: str, other: str, fit: bool) -> None:
    assert overlaps(one, other) == overlaps(other, one) == fit
