"""SIP in the layers of RFC 3261 section 5, without sockets: bytes and the time go in, bytes and
events come out.

* Reading and writing: `message`, `uri`, `digest`, `sdp`.
* Transport: `transport` writes and reads what a message says of its own way; a `hop` is the way to
  a neighbour.
* Transactions: `transactions` holds them all; each is a machine of section 17, whose table is in
  `client_transaction` or `server_transaction`.
* User agent: `useragent` finds the `dialog` and the call that a message belongs to; `screening` and
  `replies` deal with what belongs to no call. A `call` is `incoming`, `outgoing` or `resumed`;
  `renegotiation` changes it; an INVITE of ours is an `invitation`. `correspondence` and
  `registration` send our requests outside calls.

Each layer has its own object (`layers`), and none writes into another's tables. Users of the
package import `calls`, `events`, `hop` and `useragent`.

To add a transport, write another adapter beside the engine's `udp`, with its own framing. PRACK and
UPDATE would be requests within an early dialog: `OutgoingCall` would enter one such dialog for each
tag of a provisional answer. A look-up by RFC 3263 would give a call its hop.
"""
