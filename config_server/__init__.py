"""Who a camera is and what it should be doing: certificates, enrolment, registry."""
