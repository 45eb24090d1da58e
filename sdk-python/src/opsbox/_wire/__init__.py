"""The plugin side of the wire, shared by the bridge and the SDK.

It knows JSON-RPC, file descriptors and Results, and no user code.
"""
