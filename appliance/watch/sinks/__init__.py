"""The ways by which alerts leave the box: one class each; `post` queues, retries and tells when one does not work."""
