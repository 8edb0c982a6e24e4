"""What the product is: a callback session, from trigger to goodbye, in the words of the spec."""
