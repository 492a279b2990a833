"""Prints the pods as `kubectl get pods --all-namespaces -o wide --no-headers` does.

`python podlist.py HOST PORT AUTHORITY CERTIFICATE`, for the loop, where there is no kubectl. Owns
the columns that the loop reads, the namespace and the address; refuses what is not in the standard
library, to cost no more than kubectl would.
"""

import http.client
import json
import ssl
import sys


def main() -> None:
    host, port, authority, certificate = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate)
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=5)
    # As kubectl asks: in pages of 500, and from the API server's cache for none of them.
    connection.request("GET", "/api/v1/pods?limit=500")
    answer = connection.getresponse()
    body = json.load(answer)
    if answer.status != 200:
        sys.exit(f"Error from server: {body['message']}")
    for pod in body["items"]:
        metadata, status = pod["metadata"], pod["status"]
        shown = (status.get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>"))
        print(metadata["namespace"], metadata["name"], "-", status["phase"], "0", "-", *shown)


if __name__ == "__main__":
    main()
