from core.plugins import Result
from pluggy import HookimplMarker

hookimpl = HookimplMarker("opsbox")

class ExampleAssistantPlugin:
    @hookimpl
    def process_input(self, input_results: list[Result]) -> list[Result]:
        processed_results = []
        for result in input_results:
            # Perform some processing on result.details
            processed_data = {k: v.upper() for k, v in result.details.items()}

            # Create a new Result object
            new_result = Result(
                relates_to=result.relates_to,
                result_name="ProcessedData",
                result_description="Data processed by the assistant plugin.",
                details=processed_data,
                formatted=str(processed_data)
            )
            processed_results.append(new_result)
        return processed_results
