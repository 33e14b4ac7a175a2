"""Moving bytes: plans, jobs, the journal and the engine."""
