from pydantic import BaseModel
from core.plugins import Result
from pluggy import HookimplMarker

hookimpl = HookimplMarker("opsbox")

class ExampleInputPlugin:
    @hookimpl
    def process(self, data):
        # Simulate data gathering
        gathered_data = {
            "key1": "value1",
            "key2": "value2"
        }

        # Create a Result object
        result = Result(
            relates_to="ExampleInputPlugin",
            result_name="GatheredData",
            result_description="Data gathered from the example input plugin.",
            details=gathered_data,
            formatted=str(gathered_data)
        )

        # Return the result in a list
        return [result]
