# Tests of my_plugin.rego: `opsbox check test .`. Fields that a test does not set have the defaults of manifest.toml.
package my_plugin_test

machine(five) := {"load": {"one": 0, "five": five, "fifteen": 0}}

test_a_load_below_the_bound_is_clean if {
	data.my_plugin.details == [] with input as machine(3.99)
}

test_the_bound_itself_is_a_finding if {
	found := data.my_plugin.details with input as machine(4)
	[[finding.resource, finding.load, finding.threshold] | some finding in found] == [["load", 4, 4]]
}

test_the_bound_can_be_set if {
	data.my_plugin.details == [] with input as machine(4) with data.config as {"my_plugin_max_load": 5}
}

test_no_load_has_no_answer if {
	not data.my_plugin.details with input as {}
	not data.my_plugin.details with input as machine(null)
}
