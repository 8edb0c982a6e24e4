"""SIP without sockets: bytes and the time in, bytes and events out.

`message` and `uri` read and write, `transaction` has the four machines of RFC 3261 section 17,
`dialog` the state two ends share, `calls` and `endpoint` the user agent on top of them. Only
`udp` touches the network.
"""
