"""The roles: a base class for each, whose methods are the protocol's hooks."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar, get_args

from opsbox.sdk._host import PluginFacts
from opsbox.sdk._result import Result

Config = TypeVar("Config")


class Plugin(Generic[Config]):
    """What all roles share. Derive from a role, not from this.

    Attributes:
        name: The plugin's name, as its manifest has it.
        version: Its release.
        config_schema: A JSON Schema of the configuration, for a plugin that has no dataclass; `config` is
            then a dict.
        config: The configuration: the dataclass given in brackets after the role, or a dict; set before
            `activate`.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    config_schema: ClassVar[dict[str, Any] | None] = None
    config_type: ClassVar[Any] = None
    hooks: ClassVar[tuple[str, ...]] = ()

    config: Config

    def __init_subclass__(cls, **options: Any) -> None:
        """Takes the configuration's dataclass from the brackets."""
        super().__init_subclass__(**options)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if hasattr(argument, "__dataclass_fields__"):
                    cls.config_type = argument

    def activate(self) -> None:
        """Prepares the plugin; it may connect to services. Runs once, after the configuration is there."""

    def close(self) -> None:
        """Ends the plugin in good order: flush and disconnect."""


class Provider(Plugin[Config]):
    """Gathers data."""

    hooks = ("gather_data",)

    def gather_data(self) -> Result:
        """Returns the data."""
        raise NotImplementedError


class Input(Plugin[Config]):
    """Makes results out of providers' data."""

    hooks = ("process",)

    def process(self, data: list[Result]) -> list[Result]:
        """Returns results, given those of the providers that the manifest's `uses` names."""
        raise NotImplementedError


class Check(Plugin[Config]):
    """Helps a Rego check; each method is optional."""

    hooks = ("inject_data", "report_findings")

    def inject_data(self, data: Result) -> Result:
        """Returns the provider's data, changed before the policy sees it."""
        raise NotImplementedError

    def report_findings(self, data: Result) -> Result | list[Result]:
        """Returns what to report, given the policy's findings as `details`."""
        raise NotImplementedError


class Assistant(Plugin[Config]):
    """Transforms results."""

    hooks = ("process_input",)

    def process_input(self, results: list[Result]) -> list[Result]:
        """Returns the results that go on."""
        raise NotImplementedError


class Output(Plugin[Config]):
    """Delivers results."""

    hooks = ("process_results",)

    def process_results(self, results: list[Result]) -> None:
        """Delivers the results: to a file, a service, or with `output()` to the user."""
        raise NotImplementedError


class Handler(Plugin[Config]):
    """Runs plugins of the types that its manifest's `[handler] handles` lists.

    A plugin of such a type derives from `Plugin` and names its hooks in `hooks`; each is a method that takes
    the parameters by name.
    """

    hooks = ("process_plugin",)

    def process_plugin(self, plugin: PluginFacts, prior_results: list[Result]) -> list[Result]:
        """Returns the step's results: calls the plugin's hooks with `call_hook`.

        Args:
            plugin: The plugin to run.
            prior_results: What came before it: nothing in the first stage, else what an assistant or output
                of its place would get.
        """
        raise NotImplementedError


def implemented(plugin: type[Plugin]) -> list[str]:
    """Returns the hooks that a class has: what every plugin has, and those of its role that it overrides."""
    found = ["grab_config", "set_data", "activate"]
    for base in plugin.__mro__:
        for hook in base.__dict__.get("hooks", ()):
            owner = next(kind for kind in plugin.__mro__ if hook in kind.__dict__)
            if owner.__module__ != __name__ and hook not in found:
                found.append(hook)
    return found
