# Shortcuts; everything real is in managed_start.sh.
.DEFAULT_GOAL := help
.PHONY: help setup demo start stop restart status doctor test lint types acceptance bench rules clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 16

setup: ## install what is missing, make .venv, databases, CAs and certificates
	./managed_start.sh setup

demo: ## start everything and three demo cameras
	./managed_start.sh demo

start: ## start everything
	./managed_start.sh start

stop: ## stop everything
	./managed_start.sh stop

restart: ## stop, then start
	./managed_start.sh restart

status: ## show what runs
	./managed_start.sh status

doctor: ## look for what commonly goes wrong
	./managed_start.sh doctor

test: ## linters, types and all tests
	./managed_start.sh test

lint: ## ruff and shellcheck only
	.venv/bin/ruff check .
	shellcheck managed_start.sh .ci/run

types: ## mypy only
	.venv/bin/mypy

acceptance: ## the acceptance counts (NAME=… for one)
	./managed_start.sh acceptance $(NAME)

bench: ## every figure in one table, half an hour (QUICK=1: minutes)
	.venv/bin/python -m bench.suite $(if $(QUICK),--quick)

rules: ## write EMQX's access rules anew from fleet.access
	.venv/bin/python -m deploy.emqx_access > emqx/acl.conf

clean: ## remove caches, not the state in .camfleet
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
