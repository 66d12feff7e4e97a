"""A small SIP user agent for the bench (RFC 3261 over UDP): messages, transactions, dialogs, registration.

It plays what stands outside the box: the exchange's gateways and desk phones. Nothing of the product dials with it.
"""
