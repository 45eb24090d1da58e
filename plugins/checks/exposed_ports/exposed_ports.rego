# Finds ports that other machines can reach and that nobody allowed.
#
# One finding per transport and port: IPv4, IPv6 and several addresses are one service. Firewalls are not
# taken into account: a port that only a rule protects is one rule away from being open.
package exposed_ports

# A machine without listening sockets is a clean one, not one to skip.
applies := true

# Worst first: sensitive services, then by port.
details := [row[3] | some row in sort([[rank(f), f.port, f.resource, f] | some f in findings])] if sockets

# Undefined for data of another shape, and `details` with it: that must not look like closed ports.
sockets := input.sockets if {
	is_array(input.sockets)
	every socket in input.sockets {
		is_string(socket.protocol)
		is_number(socket.port)
		is_string(socket.scope)
	}
}

exposed := [socket |
	some socket in sockets
	socket.scope != "loopback"
	not allowed(socket)
]

allowed(socket) if {
	transport(socket) == "tcp"
	socket.port in data.config.allowed_ports
}

allowed(socket) if {
	transport(socket) == "udp"
	socket.port in data.config.allowed_udp_ports
}

allowed(socket) if {
	transport(socket) == "udp"
	socket.port >= data.config.udp_ephemeral_from
}

transport(socket) := trim_suffix(socket.protocol, "6")

allowed_list := {"tcp": data.config.allowed_ports, "udp": data.config.allowed_udp_ports}

services := {[transport(socket), socket.port] | some socket in exposed}

findings := [finding |
	some [protocol, port] in services
	listeners := [socket |
		some socket in exposed
		socket.port == port
		transport(socket) == protocol
	]
	addresses := sort({address | some socket in listeners; address := object.get(socket, "address", null)})
	finding := object.union(
		{
			"resource": sprintf("%s/%v", [protocol, port]),
			"message": sprintf("%s port %v is open on %s (%s)", [
				protocol,
				port,
				where(listeners),
				owner(owners(listeners)),
			]),
			"protocol": protocol,
			"port": port,
			"addresses": addresses,
			"processes": owners(listeners),
			"allowed_ports": object.get(allowed_list, protocol, []),
		},
		urgency(port),
	)
]

urgency(port) := {"severity": "high"} if {
	port in data.config.sensitive_ports
} else := {}

rank(finding) := 0 if {
	finding.severity == "high"
} else := 1

where(listeners) := "every address" if {
	some socket in listeners
	socket.scope == "any"
} else := concat(", ", sort({sprintf("%v", [address]) |
	some socket in listeners
	address := object.get(socket, "address", "an address not known")
}))

# A process that could not be looked up is left out; the host provider reports that as a gap of its own.
owners(listeners) := sort({owner |
	some socket in listeners
	is_string(socket.process)
	owner := {
		"name": socket.process,
		"pid": object.get(socket, "pid", null),
		"uid": object.get(socket, "uid", null),
	}
})

owner(processes) := concat(", ", sort({process.name | some process in processes})) if {
	count(processes) > 0
} else := "process not known"
