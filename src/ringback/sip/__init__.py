"""SIP without sockets: bytes and the time in, bytes and events out.

From the bottom up: `message` and `uri` read and write; `transaction` and its two tables are the
machines of RFC 3261 section 17; `dialog` is what two ends share; `endpoint` matches what arrives
to these and screens it; `call` with `outgoing`, `incoming`, `resumed` and `renegotiation` is the
user agent's work; `outside` and `registration` are what it asks outside calls. Users import
`calls`, `endpoint`, `events`.

Here over UDP. Another transport is another adapter beside the engine's `udp`, and transactions
without their retransmissions (RFC 3261 figures 5 to 8, "reliable"); PRACK and UPDATE are requests
within an early dialog, so `OutgoingCall` would register one for each tag of a provisional answer;
look-ups (RFC 3263) give a call's `peer`.
"""
