"""Recording an inspection: the form, who may inspect, what is locked."""
