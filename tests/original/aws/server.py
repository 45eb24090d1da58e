"""A mock of AWS on loopback with pinned content, for the published providers.

Prints its address as one line and serves until its standard input ends.
"""

import datetime
import logging
import sys
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

REGIONS = ("us-east-1", "eu-west-3")
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
# Where moto draws ids from; seeded, they are the same in every run.
SEED = "/moto-api/seed?a=42"


def main() -> None:
    """Serves until nobody listens any more."""
    logging.getLogger("werkzeug").disabled = True
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(url + SEED, method="POST")).close()
    fill(url)
    print(url, flush=True)
    sys.stdin.read()
    server.stop()


def fill(url: str) -> None:
    """Makes what the providers gather."""
    for region in REGIONS:

        def client(service: str, region: str = region) -> object:
            return boto3.client(service, endpoint_url=url, region_name=region, **KEYS)

        compute(client, region)
        file_systems(client, region)
    buckets(client)
    zones(client)
    users(client)
    load_balancers(client)
    databases(client)


def metric(client: object, namespace: str, name: str, dimension: str, of: str, values: list, unit: str) -> None:
    """Adds one value for each of the last hours."""
    now = datetime.datetime.now(datetime.timezone.utc)
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": of}],
            "Timestamp": now - datetime.timedelta(hours=hours + 2),
            "Value": value,
            "Unit": unit,
        }
        for hours, value in enumerate(values)
    ]
    client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def compute(client: object, region: str) -> None:
    """Makes instances, volumes, snapshots and addresses."""
    ec2 = client("ec2")
    tags = [{"Key": "Name", "Value": f"größe {region}"}, {"Key": "env", "Value": "prod"}]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    loads = ([0.25, 0.5], [75.5], [])
    for values in loads:
        instance = ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="t3.micro",
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )["Instances"][0]["InstanceId"]
        if values:
            metric(client, "AWS/EC2", "CPUUtilization", "InstanceId", instance, values, "Percent")
    ec2.stop_instances(InstanceIds=[instance])
    for size in (8, 100):
        volume = ec2.create_volume(AvailabilityZone=f"{region}a", Size=size)["VolumeId"]
    ec2.create_tags(Resources=[volume], Tags=tags)
    ec2.create_snapshot(VolumeId=volume, Description="by hand")
    ec2.allocate_address(Domain="vpc")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(InstanceId=instance, AllocationId=address)


def file_systems(client: object, region: str) -> None:
    """Makes two file systems, one of them busy."""
    efs = client("efs")
    for name, values in (("busy", [61.25, 99.5]), ("idle", [])):
        made = efs.create_file_system(
            CreationToken=f"{name}-{region}", Tags=[{"Key": "Name", "Value": f"{name}-{region}"}]
        )
        if values:
            metric(
                client, "AWS/EFS", "PercentIOLimit", "FileSystemId", made["FileSystemId"], values, "Percent"
            )


def buckets(client: object) -> None:
    """Makes buckets of one storage class, of several, and without anything."""
    s3 = boto3.client("s3", endpoint_url=client("s3").meta.endpoint_url, region_name="us-east-1", **KEYS)
    for name, classes in (
        ("logs", ["STANDARD", "STANDARD"]),
        ("archive", ["GLACIER"]),
        ("mixed", ["STANDARD", "STANDARD_IA"]),
        ("empty", []),
    ):
        s3.create_bucket(Bucket=name)
        for number, storage in enumerate(classes):
            s3.put_object(Bucket=name, Key=f"{name}/ü {number}.txt", Body=b"x", StorageClass=storage)


def zones(client: object) -> None:
    """Makes a zone with records and one without."""
    route53 = client("route53")
    full = route53.create_hosted_zone(Name="full.example.", CallerReference="1")["HostedZone"]["Id"]
    route53.create_hosted_zone(Name="empty.example.", CallerReference="2")
    record = {"Name": "www.full.example.", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "203.0.113.1"}]}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=full, ChangeBatch=changes)


def users(client: object) -> None:
    """Makes a user and a policy."""
    iam = client("iam")
    iam.create_user(UserName="alice")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    iam.put_user_policy(UserName="alice", PolicyName="inline", PolicyDocument=policy)
    iam.create_policy(PolicyName="unused", PolicyDocument=policy)


def load_balancers(client: object) -> None:
    """Makes a classic load balancer."""
    client("elb").create_load_balancer(
        LoadBalancerName="classic",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=["eu-west-3a"],
    )


def databases(client: object) -> None:
    """Makes a database and a snapshot of it."""
    rds = client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="admin", MasterUserPassword="not-a-secret",
    )
    rds.create_db_snapshot(DBSnapshotIdentifier="snap", DBInstanceIdentifier="db")


if __name__ == "__main__":
    main()
