"""Assistant: puts first a Result that counts the findings by severity and by check; the others follow untouched."""
import json
import os

ORDER = ["critical", "high", "medium", "low", "info", "without severity"]
SCHEMA = {"type": "object", "properties": {"summary_checks": {
    "type": "integer", "minimum": 1, "default": 10, "description": "how many checks the summary's text names"}}}
ERRORS, config = {-32601: "unknown method", -32602: "`params` is no object", -33002: "not configured yet"}, {}


def severity_of(finding):
    severity = finding.get("severity") if isinstance(finding, dict) else None
    return severity if severity in ORDER else ORDER[-1]


def in_words(counts):
    return ", ".join(f"{counts[s]} {s}" for s in ORDER if s in counts)


def summarize(results):
    by_check, by_severity = {}, {}
    for result in results:
        details = result["details"]
        for finding in details if isinstance(details, list) else [details] if details else []:
            severity = severity_of(finding)
            for counts in (by_check.setdefault(result["result_name"], {}), by_severity):
                counts[severity] = counts.get(severity, 0) + 1
    total = sum(by_severity.values())
    lines = [f"{total} finding{'' if total == 1 else 's'} in {len(results)} result{'' if len(results) == 1 else 's'}"]
    lines[0] += f": {in_words(by_severity)}" if total else ""
    worst = sorted(by_check, key=lambda check: ([-by_check[check].get(s, 0) for s in ORDER], check))
    lines += [f"- {check}: {in_words(by_check[check])}" for check in worst[:config["summary_checks"]]]
    left = len(worst) - config["summary_checks"]
    lines += [f"- and {left} more"] if left > 0 else []
    return {"relates_to": "summary", "result_name": "summary", "result_description": "findings by severity and by check",
            "details": {"findings": total, "by_severity": by_severity, "by_check": by_check},
            "formatted": "\n".join(lines)}


def answer(line, request):
    """Returns the result of a request as bytes of JSON, or the code of an error."""
    method = request["method"]
    if method == "initialize":
        return json.dumps({"protocol": 1, "plugin": {"name": "summary", "version": "1.0.0"},
                           "hooks": ["grab_config", "set_data", "process_input"], "features": [], "cancel": "none"}).encode()
    if method == "grab_config":
        return json.dumps(SCHEMA).encode()
    if method == "set_data":
        config.update({"summary_checks": 10, **request["params"]["config"]})
    elif method == "process_input" and not config:
        return -33002
    elif method == "process_input":
        # The host writes the payload last and no spaces, so the results can be handed on byte for byte.
        others = line.partition(b'"params":{"input":[')[2][:-3] or json.dumps(request["params"]["input"])[1:-1].encode()
        first = json.dumps(summarize(request["params"]["input"])).encode()
        return b"[" + first + (b"," + others if others else b"") + b"]"
    elif method != "shutdown":
        return -32601
    return b"{}"


wire_in, wire_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # A stray print, and a child's output, now goes to stderr.
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for line in wire_in:  # Ends with the file: the host is gone, or has closed it.
    line = line.strip(b"\xef\xbb\xbf\r\n")
    try:
        request = json.loads(line)
    except ValueError:
        continue  # A blank line, or one that is no message.
    if not isinstance(request, dict) or not {"id", "method"} <= request.keys():
        continue  # A notification. Responses never come: this plugin asks nothing.
    try:
        result = answer(line, request) if isinstance(request.get("params", {}), dict) else -32602
    except Exception as err:  # Whatever went wrong, the request gets its answer.
        result, ERRORS[-33008] = -33008, f"{type(err).__name__}: {err}"
    error = {"code": result, "message": ERRORS[result]} if isinstance(result, int) else None
    tail = b'"error":' + json.dumps(error, separators=(",", ":")).encode() if error else b'"result":' + result
    wire_out.write(b'{"jsonrpc":"2.0","id":%s,%s}\n' % (json.dumps(request["id"]).encode(), tail))
    wire_out.flush()
