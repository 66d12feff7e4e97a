"""The SIP edge: Kamailio and rtpengine, configured from settings, trunks and seats, and asked over its socket."""
