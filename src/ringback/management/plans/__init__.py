"""Charging plans and their rates: made by an account, given to accounts below it.

Whoever was given a plan reads it, and learns nothing else of the account that made it. `making` and
`looking` are the plans themselves, `rates` what is done with their rates in one unit of work,
`loading` what takes several, `whose` says who sees which plan.
"""
