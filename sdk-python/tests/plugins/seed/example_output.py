from core.plugins import Result
from pluggy import HookimplMarker

hookimpl = HookimplMarker("opsbox")

class ExampleOutputPlugin:
    @hookimpl
    def process_results(self, results: list[Result]) -> None:
        for result in results:
            # Output the formatted result
            print(f"Output from {result.relates_to}: {result.formatted}")
