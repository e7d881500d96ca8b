"""Job files of small jobs."""


def job_file(name: str, bucket: str, *, validation: str, **hyperparameters: object) -> str:
    """A job on `train.csv` and the file `validation` beside it, which a run puts into `bucket`."""
    chosen = "".join(f"{key} = {value!r}\n" for key, value in hyperparameters.items()).replace("'", '"')
    return f"""schema = 1
name = "{name}"
[image]
uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/linden-trainer:0.1.0"
[role]
arn = "arn:aws:iam::123456789012:role/linden-training"
[compute]
instance_types = ["ml.m5.large"]
max_runtime = "10m"
[[channel]]
name = "train"
s3 = "s3://{bucket}/{name}/train/"
source = "train.csv"
format = "csv"
[[channel]]
name = "validation"
s3 = "s3://{bucket}/{name}/validation/"
source = "{validation}"
format = "csv"
[output]
s3 = "s3://{bucket}/{name}/output/"
[hyperparameters]
{chosen}"""
