#!/bin/sh
# The origin's loop: list the pods, ping one after the other, sleep, and again. As it was, but for
# kubectl, which a Debian does not have: $LIST_PODS prints the same columns. Of ping, -W takes the
# part of a second that -w does not; for one packet it is the same.
while :; do
    for ip in $($LIST_PODS | grep -v '^kube-system ' | awk '{ print $7 }'); do
        ping -c1 -W"$PING_WAIT" "$ip" > /dev/null 2>&1
    done
    sleep "$LOOP_SLEEP"
done
