"""The registry's database: the only place that knows SQLAlchemy."""
