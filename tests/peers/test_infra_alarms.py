"""The alarms of infra/template.yaml: which event, metric or sum becomes a message, and what it says.

moto matches events, makes rules and lists jobs; metric alarms and the budget it does not make, so theirs is what
CloudFormation is told. Nobody has seen AWS send these messages yet.
"""

import datetime
import json

import pytest
from moto import mock_aws

from iam import allows
from stack import ACCOUNT, ALARMED, ALARMS, REGION, Stack, Told, told
from stack import defaults, stack, template  # noqa: F401, fixtures

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")


def messages(stack: Stack, job: str, status: str, source: str = "aws.sagemaker") -> list[str]:
    """What the rule makes of a job's event. moto sends to no topic, so a queue stands in its place, with the same text."""
    events, sqs = stack.client("events"), stack.client("sqs")
    (target,) = events.list_targets_by_rule(Rule="linden-failed-jobs")["Targets"]
    queue = sqs.create_queue(QueueName="beside")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.remove_targets(Rule="linden-failed-jobs", Ids=[target["Id"]])
    events.put_targets(Rule="linden-failed-jobs", Targets=[{"Id": "beside", "Arn": arn, "InputTransformer": target["InputTransformer"]}])
    detail = {"TrainingJobName": job, "TrainingJobStatus": status, "SecondaryStatus": status}
    entry = {"Source": source, "DetailType": "SageMaker Training Job State Change", "Detail": json.dumps(detail)}
    events.put_events(Entries=[entry])
    return [it["Body"] for it in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])]


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_failed_or_was_stopped_is_told(stack: Stack, status: str) -> None:
    (message,) = messages(stack, "Usage-Forecast-1a2b3c4d-1", status)
    assert f"Training job Usage-Forecast-1a2b3c4d-1 is {status}" in message
    assert "linden show Usage-Forecast-1a2b3c4d-1" in message


@pytest.mark.parametrize(
    ("job", "status", "source"),
    [("usage-forecast-1", "Completed", "aws.sagemaker"), ("usage-forecast-1", "InProgress", "aws.sagemaker"), ("churn-1", "Failed", "aws.sagemaker"), ("usage-forecast-1", "Failed", "someone.else")],
)
def test_other_events_are_not_told(stack: Stack, job: str, status: str, source: str) -> None:
    assert messages(stack, job, status, source) == []


def test_the_rule_tells_the_topic(defaults: Told) -> None:
    (target,) = defaults.properties("FailedJobs")["Targets"]
    assert target["Arn"] == ALARMS == defaults.outputs["AlarmsTopicArn"]


def test_only_the_stacks_own_alarms_may_publish(defaults: Told) -> None:
    statements = defaults.properties("AlarmsPolicy")["PolicyDocument"]["Statement"]

    def publishes(service: str, source: str, account: str = ACCOUNT) -> bool:
        named = [it for it in statements if it["Principal"] == {"Service": service}]
        return allows(named, "sns:Publish", ALARMS, {"aws:SourceArn": source, "aws:SourceAccount": account})

    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/linden-failed-jobs"
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:linden-no-success"
    budget = f"arn:aws:budgets::{ACCOUNT}:budget/linden"
    assert publishes("events.amazonaws.com", rule)
    assert not publishes("events.amazonaws.com", f"{rule}-not")
    assert publishes("cloudwatch.amazonaws.com", alarm)
    assert not publishes("cloudwatch.amazonaws.com", alarm.replace("linden", "other"))
    assert not publishes("cloudwatch.amazonaws.com", alarm, "210987654321")
    assert publishes("budgets.amazonaws.com", budget)
    assert not publishes("budgets.amazonaws.com", budget.replace(ACCOUNT, "210987654321"))
    assert not publishes("s3.amazonaws.com", rule)


def test_a_request_that_a_schedule_could_not_make_is_an_alarm(defaults: Told) -> None:
    alarm = defaults.properties("ScheduleAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "linden-schedule-dead-letters"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", 0, "notBreaching")
    assert alarm["AlarmActions"] == [ALARMS]
    queue = defaults.properties("ScheduleDeadLetters")
    assert (queue["MessageRetentionPeriod"], queue["SqsManagedSseEnabled"]) == (1_209_600, True)


def last_success(template: str, **variables: str) -> tuple[float, list[dict]]:
    """Runs the function that the stack makes, and gives what it returns and what CloudWatch has of it."""
    function = told(template, **ALARMED).properties("LastSuccess")
    assert function["Handler"] == "index.handler"
    scope: dict = {}
    exec(compile(function["Code"]["ZipFile"], "index.py", "exec"), scope)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in function["Environment"]["Variables"].items():
            patch.setenv(name, str(value))
        for name, value in {"AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}.items() | variables.items():
            patch.setenv(name, value)
        days = scope["handler"]({}, None)
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    alarm = told(template, **ALARMED).properties("SuccessAlarm")
    client = Stack.client(None, "cloudwatch")
    named = {"Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"]}
    points = client.get_metric_statistics(**named, StartTime=now - day, EndTime=now + day, Period=86400, Statistics=[alarm["Statistic"]])
    return days, points["Datapoints"]


def train(name: str) -> None:
    """A job that moto takes for completed at once."""
    Stack.client(None, "sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/linden-training",
        AlgorithmSpecification={"TrainingInputMode": "File", "TrainingImage": "linden-trainer:0.1.0"},
        OutputDataConfig={"S3OutputPath": "s3://a-bucket/output/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )


def test_the_function_tells_how_old_the_last_success_is(template: str) -> None:
    with mock_aws():
        train("Usage-Forecast-1a2b3c4d-1")
        days, points = last_success(template)
    assert 0 <= days < 0.1
    assert [round(it["Minimum"], 1) for it in points] == [0.0], "the alarm looks at the metric that the function puts"


def test_other_jobs_are_no_success_of_these(template: str) -> None:
    with mock_aws():
        train("not-usage-forecast-1")
        train("churn-1")
        days, points = last_success(template)
        assert (days, points[0]["Minimum"]) == (9999, 9999)
        assert last_success(template, JOB_NAME_PREFIX="")[0] < 0.1, "an empty prefix is every job"


def test_days_without_success_are_an_alarm_and_so_is_silence(template: str) -> None:
    alarm = told(template, **ALARMED).properties("SuccessAlarm")
    assert (alarm["ComparisonOperator"], int(alarm["Threshold"])) == ("GreaterThanThreshold", 35)
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 7 * 86_400, "CloudWatch's limit"
    assert alarm["AlarmActions"] == alarm["InsufficientDataActions"] == [ALARMS]
    clock = told(template, **ALARMED).properties("LastSuccessClock")
    assert clock["ScheduleExpression"] == "rate(6 hours)"
    assert clock["Targets"][0]["Arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:linden-last-success"


def test_the_function_may_list_jobs_put_its_metric_and_log(template: str) -> None:
    everything = told(template, **ALARMED)
    (policy,) = everything.properties("LastSuccessRole")["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    assert allows(statements, "sagemaker:ListTrainingJobs")
    assert allows(statements, "cloudwatch:PutMetricData", context={"cloudwatch:namespace": "Linden"})
    assert not allows(statements, "cloudwatch:PutMetricData", context={"cloudwatch:namespace": "AWS/SQS"})
    assert not allows(statements, "sagemaker:CreateTrainingJob", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/a")
    assert not allows(statements, "s3:GetObject", "arn:aws:s3:::a/b")


def test_the_budget_is_of_sagemaker_and_told_before_it_is_passed(template: str) -> None:
    budget = told(template, **ALARMED).properties("Budget")
    assert budget["Budget"]["CostFilters"] == {"Service": ["Amazon SageMaker"]}
    assert int(budget["Budget"]["BudgetLimit"]["Amount"]) == 200
    kinds = [(it["Notification"]["NotificationType"], it["Notification"]["Threshold"]) for it in budget["NotificationsWithSubscribers"]]
    assert kinds == [("ACTUAL", 80), ("FORECASTED", 100)]
    assert all(it["Subscribers"] == [{"SubscriptionType": "SNS", "Address": ALARMS}] for it in budget["NotificationsWithSubscribers"])


def test_an_address_is_written_to(template: str) -> None:
    assert told(template, **ALARMED).properties("AlarmEmails") == {"TopicArn": ALARMS, "Protocol": "email", "Endpoint": "planning@example.com"}
