"""A legacy plugin's pydantic model: shown as JSON Schema, and made of the fields that were sent."""

from __future__ import annotations

import sys

from opsbox._wire.errors import WireError, config_invalid

EMPTY_SCHEMA = {"type": "object", "properties": {}}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Fields(dict):
    """The fields of a plugin whose configuration is a plain schema: items and attributes alike."""

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the configuration has no field `{name}`") from None

    def model_dump(self, **_: object) -> dict:
        """Returns the fields as a dict, as a pydantic model does."""
        return dict(self)

    dict = model_dump


class Configuration:
    """What `grab_config` returned, whatever it is.

    Args:
        returned: A pydantic model class or instance, a dataclass, a dict that is a JSON Schema, or None.
    """

    def __init__(self, returned: object) -> None:
        self._given = None if isinstance(returned, (type, dict)) else returned
        self._model = returned if isinstance(returned, (type, dict)) or returned is None else type(returned)

    @property
    def is_none(self) -> bool:
        """Whether the plugin has no configuration, so that `set_data` is not called."""
        return self._model is None

    def schema(self) -> dict:
        """Returns the JSON Schema.

        Raises:
            TypeError: `grab_config` returned something that describes no configuration.
        """
        model = self._model
        if model is None:
            return dict(EMPTY_SCHEMA)
        if isinstance(model, dict):
            schema = dict(model)
            if not {"properties", "type", "$ref", "allOf", "anyOf"} & set(schema):
                schema = {"type": "object", "properties": schema}
        elif hasattr(model, "model_json_schema"):
            schema = _pydantic_schema(model)
        elif hasattr(model, "schema") and hasattr(model, "__fields__"):
            schema = model.schema()
        elif hasattr(model, "__dataclass_fields__"):
            from opsbox.sdk import _schema

            schema = _schema.of_dataclass(model)
        else:
            raise TypeError(
                f"`grab_config` returned {model!r}, expected a pydantic model, a JSON Schema or None"
            )
        for prop in (schema.get("properties") or {}).values():
            # Field(required=False), as published plugins write it, ends up here; in JSON Schema `required` is
            # a list.
            if isinstance(prop, dict) and isinstance(prop.get("required"), bool):
                del prop["required"]
        schema.setdefault("$schema", _DIALECT)
        return schema

    def build(self, fields: dict, plugin: str) -> object:
        """Returns the model made of the fields that were sent; the others take the plugin's own defaults.

        Raises:
            WireError: The model refuses them; its data names each field's path.
        """
        model = self._model
        if isinstance(model, dict):
            properties = model.get("properties", model)
            defaults = {
                name: prop["default"]
                for name, prop in properties.items()
                if isinstance(prop, dict) and "default" in prop
            }
            return Fields({**defaults, **fields})
        if hasattr(model, "__dataclass_fields__") and not hasattr(model, "model_fields"):
            from opsbox.sdk import _schema

            return _schema.build(model, fields, plugin)
        values = {**_set_values(self._given), **fields}
        try:
            return model(**values)
        except Exception as err:
            if is_validation_error(err):
                raise invalid(err, plugin) from err
            raise


def is_validation_error(err: BaseException) -> bool:
    """Tells whether an exception is a `ValidationError` of pydantic, of either generation."""
    return any(
        kind.__name__ == "ValidationError" and kind.__module__.startswith("pydantic")
        for kind in type(err).__mro__
    )


def invalid(err: object, plugin: str) -> WireError:
    """Returns pydantic's ValidationError as "configuration invalid": the fields' paths, not their values."""
    try:
        found = err.errors(include_url=False, include_context=False, include_input=False)
    except TypeError:
        found = err.errors()
    return config_invalid([(_path(item["loc"]), str(item["msg"])) for item in found], plugin)


def _path(parts: tuple) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _set_values(given: object) -> dict:
    """Returns what an instance that `grab_config` returned was made with."""
    names = getattr(given, "model_fields_set", None) or getattr(given, "__fields_set__", None) or ()
    return {name: getattr(given, name) for name in names}


def _pydantic_schema(model: type) -> dict:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.model_json_schema()
        except Exception:
            # One field without a schema (a client, a callable) must not hide the others: it is passed as it
            # is.
            return _field_by_field(model)


def _field_by_field(model: type) -> dict:
    adapter = sys.modules["pydantic"].TypeAdapter
    properties, required, defs = {}, [], {}
    for name, info in model.model_fields.items():
        key = info.validation_alias if isinstance(info.validation_alias, str) else info.alias or name
        try:
            prop = adapter(info.annotation).json_schema()
            defs.update(prop.pop("$defs", {}))
        except Exception:
            prop = {}
        if info.description:
            prop["description"] = info.description
        properties[key] = prop
        if info.is_required():
            required.append(key)
    schema = {"type": "object", "title": model.__name__, "properties": properties}
    if required:
        schema["required"] = required
    if defs:
        schema["$defs"] = defs
    return schema
