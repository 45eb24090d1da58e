"""A check in the manner of the published ones: pydantic, loguru, YAML, a threshold that the policy needs."""

from typing import Annotated

import yaml
from loguru import logger
from opsbox import Result
from pluggy import HookimplMarker
from pydantic import BaseModel, Field

hookimpl = HookimplMarker("opsbox")


class IdleConfig(BaseModel):
    cpu_idle_threshold: Annotated[int, Field(default=1, description="percent of CPU below which it is idle")]


class IdleInstances:
    @hookimpl
    def grab_config(self) -> type[BaseModel]:
        return IdleConfig

    @hookimpl
    def set_data(self, model: type[BaseModel]) -> None:
        self.conf = model.model_dump()

    @hookimpl
    def inject_data(self, data: "Result") -> "Result":
        data.details["input"]["cpu_idle_threshold"] = self.conf["cpu_idle_threshold"]
        return data

    @hookimpl
    def report_findings(self, data: "Result") -> "Result":
        logger.success(f"{len(data.details)} found")
        listing = yaml.dump([{each["instance_id"]: each["region"]} for each in data.details])
        return Result(
            relates_to="ec2",
            result_name="idle_instances",
            result_description="Idle EC2 Instances",
            details=data.details,
            formatted=f"Idle instances:\n\n{listing}" if data.details else "No idle instances.",
        )

    @hookimpl
    def rego_location(self):
        return "idle_instances.rego"
