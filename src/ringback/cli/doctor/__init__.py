"""`ringback doctor`: what would keep calls from working, and how to mend it.

`examine` looks at files and database, `network` at ports and trunks, `setup` at what has been
applied, `spending` at credit without a limit a day,
`numbers` at callerIDs that a trunk may mean otherwise, `requests` at the size of what is sent.
"""
