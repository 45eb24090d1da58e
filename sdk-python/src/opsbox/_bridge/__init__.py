"""The bridge: runs an unchanged Pluggy plugin behind the protocol.

Started by the host as a script; nobody imports it.
"""
