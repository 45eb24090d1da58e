package exposed_ports_test

import data.exposed_ports

defaults := {
	"allowed_ports": [22],
	"allowed_udp_ports": [68, 546, 5353],
	"udp_ephemeral_from": 32768,
	"sensitive_ports": [3306, 6379],
}

socket(protocol, address, port, scope, process) := {
	"protocol": protocol,
	"address": address,
	"port": port,
	"scope": scope,
	"uid": 0,
	"pid": 812,
	"process": process,
}

resources(found) := [f.resource | some f in found]

test_the_allowed_port_is_clean if {
	found := exposed_ports.details with input as {"sockets": [
		socket("tcp", "0.0.0.0", 22, "any", "sshd"),
		socket("tcp6", "::", 22, "any", "sshd"),
	]}
		with data.config as defaults
	found == []
}

test_the_next_port_is_not_allowed if {
	found := exposed_ports.details with input as {"sockets": [socket("tcp", "0.0.0.0", 23, "any", "inetd")]}
		with data.config as defaults
	resources(found) == ["tcp/23"]
}

test_loopback_is_clean if {
	found := exposed_ports.details with input as {"sockets": [
		socket("tcp", "127.0.0.1", 6379, "loopback", "redis-server"),
		socket("tcp6", "::1", 631, "loopback", "cupsd"),
	]}
		with data.config as defaults
	found == []
}

test_no_sockets_at_all_is_clean if {
	found := exposed_ports.details with input as {"sockets": []} with data.config as defaults
	found == []
}

test_both_families_are_one_finding if {
	found := exposed_ports.details with input as {"sockets": [
		socket("tcp6", "::", 8080, "any", "java"),
		socket("tcp", "0.0.0.0", 8080, "any", "java"),
	]}
		with data.config as defaults
	resources(found) == ["tcp/8080"]
	found[0].addresses == ["0.0.0.0", "::"]
	found[0].processes == [{"name": "java", "pid": 812, "uid": 0}]
	found[0].message == "tcp port 8080 is open on every address (java)"
	found[0].allowed_ports == [22]
	not "severity" in object.keys(found[0])
}

test_one_outside_address_is_enough if {
	found := exposed_ports.details with input as {"sockets": [
		socket("tcp", "127.0.0.1", 8080, "loopback", "java"),
		socket("tcp", "10.0.0.5", 8080, "address", "java"),
	]}
		with data.config as defaults
	found[0].addresses == ["10.0.0.5"]
	found[0].message == "tcp port 8080 is open on 10.0.0.5 (java)"
}

test_sensitive_services_come_first_and_are_high if {
	found := exposed_ports.details with input as {"sockets": [
		socket("tcp", "0.0.0.0", 80, "any", "nginx"),
		socket("tcp", "0.0.0.0", 6379, "any", "redis-server"),
		socket("tcp", "0.0.0.0", 3306, "any", "mysqld"),
	]}
		with data.config as defaults
	resources(found) == ["tcp/3306", "tcp/6379", "tcp/80"]
	found[0].severity == "high"
	not "severity" in object.keys(found[2])
}

test_tcp_and_udp_have_lists_of_their_own if {
	found := exposed_ports.details with input as {"sockets": [
		socket("udp", "0.0.0.0", 68, "any", "dhclient"),
		socket("tcp", "0.0.0.0", 68, "any", "odd"),
		socket("udp", "0.0.0.0", 22, "any", "odd"),
	]}
		with data.config as defaults
	resources(found) == ["udp/22", "tcp/68"]
}

test_udp_is_judged_up_to_the_ephemeral_range if {
	found := exposed_ports.details with input as {"sockets": [
		socket("udp", "0.0.0.0", 32767, "any", "odd"),
		socket("udp6", "::", 32768, "any", "chromium"),
		socket("tcp", "0.0.0.0", 32768, "any", "odd"),
	]}
		with data.config as defaults
	resources(found) == ["udp/32767", "tcp/32768"]
}

test_an_unreadable_owner_is_said if {
	found := exposed_ports.details with input as {"sockets": [json.patch(
		socket("tcp", "0.0.0.0", 80, "any", null),
		[{"op": "replace", "path": "/pid", "value": null}],
	)]}
		with data.config as defaults
	found[0].processes == []
	found[0].message == "tcp port 80 is open on every address (process not known)"
}

test_the_allowed_list_can_be_set if {
	found := exposed_ports.details with input as {"sockets": [socket("tcp", "0.0.0.0", 443, "any", "nginx")]}
		with data.config as object.union(defaults, {"allowed_ports": [22, 80, 443]})
	found == []
}

test_missing_section_has_no_answer if {
	not exposed_ports.details with input as {"os": {}} with data.config as defaults
	exposed_ports.applies with input as {"os": {}} with data.config as defaults
}

test_malformed_section_has_no_answer if {
	not exposed_ports.details with input as {"sockets": null} with data.config as defaults
	not exposed_ports.details with input as {"sockets": [{"protocol": "tcp", "port": 80}]} with data.config as defaults
	not exposed_ports.details with input as {"sockets": ["tcp/80"]} with data.config as defaults
}
