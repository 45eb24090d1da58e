# Finds a machine that waits for a reboot.
#
# Since when it waits is not known; a long uptime shows that it has not been rebooted for long.
package reboot_pending

default applies := true

# A container runs its host's kernel; rebooting is the host's matter.
applies := false if {
	os
	is_string(os.container)
}

# Undefined for data of another shape, and `details` with it.
details := findings if {
	os
	is_boolean(input.reboot.pending)
}

os := input.os if is_object(input.os)

reasons := [reason |
	is_array(input.reboot.reasons)
	some reason in input.reboot.reasons
	is_string(reason)
]

uptime_days := floor(os.uptime_seconds / 86400) if is_number(os.uptime_seconds)

findings := [finding |
	input.reboot.pending == true
	finding := object.union(
		{
			"resource": "reboot",
			"message": concat("", ["a reboot is pending", because, since]),
			"reasons": reasons,
			"kernel": object.get(os, "kernel", null),
			"uptime_days": uptime,
			"threshold_days": data.config.reboot_overdue_days,
		},
		urgency,
	)
]

urgency := {"severity": "medium"} if {
	uptime_days >= data.config.reboot_overdue_days
} else := {}

uptime := uptime_days if {
	uptime_days
} else := null

because := concat("", [": ", concat("; ", reasons)]) if {
	count(reasons) > 0
} else := ""

since := sprintf(" (up for %v days)", [uptime_days]) if {
	uptime_days
} else := ""
