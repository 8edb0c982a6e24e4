"""What people do and look at, each as a verb or a read with an actor, behind every face.

Begin with `verbs`, then `actor` and `rights`: who may do what is decided there and nowhere else.
"""
