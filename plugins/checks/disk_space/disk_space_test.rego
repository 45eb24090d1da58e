package disk_space_test

import data.disk_space

defaults := {
	"disk_used_percent": 85,
	"disk_used_percent_critical": 95,
	"disk_ignore_mounts": [],
}

fs(mount, used) := {
	"mount": mount,
	"device": concat("", ["/dev", mount]),
	"type": "ext4",
	"total_bytes": 42949672960,
	"available_bytes": 3758096384,
	"used_bytes": 39191576576,
	"used_percent": used,
	"read_only": false,
}

with_field(object, field, value) := json.patch(object, [{"op": "add", "path": field, "value": value}])

test_below_the_threshold_is_clean if {
	found := disk_space.details with input as {"filesystems": [fs("/", 84.9)]} with data.config as defaults
	found == []
}

test_exactly_the_threshold_is_a_finding if {
	found := disk_space.details with input as {"filesystems": [fs("/var", 85)]} with data.config as defaults
	count(found) == 1
	found[0].resource == "/var"
	found[0].used_percent == 85
	found[0].threshold_percent == 85
	found[0].message == "/var is 85 % full, 3.5 GiB of 40.0 GiB available"
	not "severity" in object.keys(found[0])
}

test_critical_starts_at_its_threshold if {
	found := disk_space.details with input as {"filesystems": [fs("/a", 94.9), fs("/b", 95.0)]}
		with data.config as defaults
	[f.resource | some f in found] == ["/b", "/a"]
	found[0].severity == "critical"
	found[0].threshold_percent == 95
	not "severity" in object.keys(found[1])
}

test_worst_comes_first if {
	found := disk_space.details with input as {"filesystems": [fs("/a", 86), fs("/b", 99.5), fs("/c", 91.2)]}
		with data.config as defaults
	[f.resource | some f in found] == ["/b", "/c", "/a"]
}

test_a_critical_threshold_below_the_first_one_still_counts if {
	found := disk_space.details with input as {"filesystems": [fs("/", 60)]}
		with data.config as object.union(defaults, {"disk_used_percent_critical": 50})
	found[0].severity == "critical"
}

test_read_only_is_left_out if {
	snap := with_field(fs("/snap/core", 100), "/read_only", true)
	found := disk_space.details with input as {"filesystems": [snap, fs("/", 10)]} with data.config as defaults
	found == []
}

test_nothing_writable_is_not_applicable if {
	snap := with_field(fs("/", 100), "/read_only", true)
	applies := disk_space.applies with input as {"filesystems": [snap]} with data.config as defaults
	applies == false
}

test_applies_to_a_usual_machine if {
	disk_space.applies with input as {"filesystems": [fs("/", 10)]} with data.config as defaults
}

test_ignored_mounts_are_left_out if {
	found := disk_space.details with input as {"filesystems": [fs("/mnt/backup", 99), fs("/mnt/a/b", 99)]}
		with data.config as object.union(defaults, {"disk_ignore_mounts": ["/mnt/*"]})
	[f.resource | some f in found] == ["/mnt/a/b"]
}

test_a_volume_mounted_twice_is_one_finding if {
	root := with_field(fs("/", 90), "/device", "/dev/vda1")
	hosts := with_field(fs("/etc/hosts", 90), "/device", "/dev/vda1")
	found := disk_space.details with input as {"filesystems": [hosts, root]} with data.config as defaults
	count(found) == 1
	found[0].resource == "/"
	found[0].also_mounted_at == ["/etc/hosts"]
}

test_an_unmeasured_file_system_does_not_hide_the_others if {
	odd := with_field(fs("/odd", 0), "/used_percent", null)
	found := disk_space.details with input as {"filesystems": [odd, fs("/", 90)]} with data.config as defaults
	[f.resource | some f in found] == ["/"]
}

test_unknown_sizes_do_not_hide_a_full_disk if {
	found := disk_space.details with input as {"filesystems": [{"mount": "/", "used_percent": 97}]}
		with data.config as defaults
	found[0].message == "/ is 97 % full, size not known"
	found[0].device == null
}

test_sizes_below_a_gibibyte_are_in_mebibytes if {
	small := json.patch(fs("/boot", 92), [
		{"op": "replace", "path": "/total_bytes", "value": 524288000},
		{"op": "replace", "path": "/available_bytes", "value": 41943040},
	])
	found := disk_space.details with input as {"filesystems": [small]} with data.config as defaults
	found[0].message == "/boot is 92 % full, 40.0 MiB of 500.0 MiB available"
}

test_missing_section_has_no_answer if {
	not disk_space.details with input as {"os": {}} with data.config as defaults
	disk_space.applies with input as {"os": {}} with data.config as defaults
}

test_empty_or_malformed_section_has_no_answer if {
	not disk_space.details with input as {"filesystems": []} with data.config as defaults
	not disk_space.details with input as {"filesystems": null} with data.config as defaults
	not disk_space.details with input as {"filesystems": [{"mount": "/"}]} with data.config as defaults
	not disk_space.details with input as {"filesystems": ["/"]} with data.config as defaults
}
