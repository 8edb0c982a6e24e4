"""SIP in the layers of RFC 3261 section 5, without sockets: bytes and the time in, bytes and events
out.

* Reading and writing: `message`, `uri`, `digest`, `sdp`.
* Transport: `transport` knows the ways that messages go, each a `hop`.
* Transactions: `transactions` has them all; each is a machine of section 17, its table in
  `client_transaction` or `server_transaction`.
* User agent: `useragent` matches what arrives to `dialog`s and calls, with `screening` and
  `replies` for what is no call's. A `call` is `incoming`, `outgoing` or `resumed`;
  `renegotiation` changes it; an INVITE of ours is an `invitation`. `outside` and `registration`
  ask what belongs to no call.

Each layer has its own object (`layers`), and nobody writes into another's tables. Users import
`calls`, `events`, `hop`, `useragent`.

Another transport is another adapter beside the engine's `udp`, with its own framing. PRACK and
UPDATE are requests within an early dialog, so `OutgoingCall` would enter one for each tag of a
provisional answer. Look-ups (RFC 3263) give a call's hop.
"""
