# Finds a machine with too much work. `input` is what the provider `host` gathers, `data.config` the fields of manifest.toml.
package my_plugin

# False where there is nothing to check, never where the data is not there.
default applies := true

# The findings. Undefined where there is no load to look at: the check fails then, and is not "clean".
details := [finding |
	load >= data.config.my_plugin_max_load
	finding := {
		"resource": "load",
		"message": sprintf("the load over 5 minutes is %v", [load]),
		"load": load,
		"threshold": data.config.my_plugin_max_load,
	}
] if {
	is_number(load)
}

load := input.load.five
