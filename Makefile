# make demo: the built-in recording through the bundled model (no camera, GPU, display or torch)
# make test: lint, types, tests        make venv: only the environment of `make test`
# make pictures: takes those of the README again, where the bundled model is newer
# Another interpreter: make PYTHON=/path/to/python3.12 demo

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --upgrade-strategy only-if-needed

.PHONY: help demo test lint types tests venv clean pictures
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

demo: .venv/runtime.stamp
	$(BIN)/motionrgbd-live --demo --out demo-output --close-when-finished

test: lint types tests

lint: .venv/develop.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/develop.stamp
	scripts/typecheck

## One thread a process: processes that share cores wait for each other's threads.
tests: .venv/develop.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

venv: .venv/develop.stamp

.venv/created.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or run make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11: run make PYTHON=/path/to/a/newer/python3"; exit 1; }
	"$(PYTHON)" -m venv .venv || \
		{ echo "python's venv module is incomplete: on Debian and Ubuntu install python3-venv"; exit 1; }
	touch $@

.venv/runtime.stamp: .venv/created.stamp pyproject.toml constraints.txt
	@echo "installing the run-time into .venv (under 1 GB, without torch)"
	$(PIP) --editable '.[cpu,gui]' --constraint constraints.txt
	touch $@

.venv/develop.stamp: .venv/created.stamp pyproject.toml constraints.txt
	@echo "installing the run-time and everything the tests need into .venv (with torch)"
	$(PIP) --editable '.[cpu,gui,camera,actions,train,dev]' --constraint constraints.txt
	touch .venv/runtime.stamp $@

clean:
	rm -rf .venv build dist demo-output motionrgbd_live.egg-info .mypy_cache .pytest_cache .ruff_cache

# The README's pictures, taken without a display and without what the window remembers of its user.
pictures: docs/window.png docs/designer.png docs/teach.png docs/cockpit.png
docs/%.png: export QT_QPA_PLATFORM = offscreen
docs/%.png: export XDG_CONFIG_HOME := $(shell mktemp -d -u)

# The demo's window in its nineteenth second.
docs/window.png: app/default.mrgbd .venv/runtime.stamp
	timeout --signal=TERM 19 $(BIN)/motionrgbd-live --demo --realtime \
		--out "$$(mktemp -d)" --screenshot $@ || test $$? -eq 143 -o $$? -eq 124

# The decision designer after the whole demo, with a threshold that is too high.
docs/designer.png: app/default.mrgbd scripts/designer_picture.py .venv/runtime.stamp
	$(BIN)/python scripts/designer_picture.py $@

# The picture of teaching: the demo's first 24 seconds, as if its gestures had other names.
docs/teach.png: app/default.mrgbd .venv/runtime.stamp
	folder=$$(mktemp -d) && $(BIN)/motionrgbd convert demo $$folder/examples && \
	sed -i '722,$$d' $$folder/examples/timestamps.csv && printf '%s\n' start_s,end_s,label \
		2.85,3.59,'next page' 4.41,5.45,'page back' 6.75,8.05,take 10.05,11.01,open \
		18.04,19.28,press 20.25,21.00,press > $$folder/examples.labels.csv && cd $$folder && \
	{ timeout --signal=TERM 40 $(CURDIR)/$(BIN)/motionrgbd-live \
		--teach examples --screenshot $(CURDIR)/$@ || test $$? -eq 143 -o $$? -eq 124; }

# The picture of the cockpit: the demo up to its first zoom.
docs/cockpit.png: app/default.mrgbd .venv/runtime.stamp
	folder=$$(mktemp -d) && $(BIN)/motionrgbd convert demo $$folder/demo && \
	sed -i '359,$$d' $$folder/demo/timestamps.csv && $(BIN)/motionrgbd-live \
		--replay $$folder/demo --cockpit --fast --close-when-finished --screenshot $@
