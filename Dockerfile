# syntax=docker/dockerfile:1
# Two images: `docker build --target cpu .` (the default) and `--target cuda`. They differ in torch alone, which
# brings all of CUDA that it needs; the host brings the driver. What is here is installed once, by pip, from
# constraints.txt; nothing is fetched when a container runs, except weights that somebody asks for.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/nexara
WORKDIR /src
COPY constraints.txt pyproject.toml ./
# The dependencies alone, so that a change in our own code leaves this layer as it is.
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt

FROM build AS build-cuda
RUN pip --python /opt/nexara/bin/python install -c constraints.txt -r requirements.txt
COPY . .
RUN pip --python /opt/nexara/bin/python install --no-deps .

FROM build AS build-cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# That index has no newer versions of what torch needs: those come with the rest.
RUN pip --python /opt/nexara/bin/python install --no-deps -c constraints.txt --index-url "${TORCH_INDEX}" \
        torch torchvision \
    && pip --python /opt/nexara/bin/python install -c constraints.txt -r requirements.txt
COPY . .
RUN pip --python /opt/nexara/bin/python install --no-deps .

# No build tools, no pip, a user without rights, and folders that named volumes take their owner from.
FROM python:3.11-slim-bookworm AS runtime
RUN python -m pip uninstall --yes --quiet pip setuptools wheel \
    && useradd --uid 10001 --user-group --home-dir /var/lib/nexara --shell /usr/sbin/nologin nexara \
    && install -d -o nexara -g nexara \
        /var/lib/nexara /var/lib/nexara/models /var/lib/nexara/verdicts /var/lib/nexara/serve \
        /var/lib/nexara/ring \
        /keys /keys/redis /keys/grafana /keys/ingest /keys/pose /keys/classify /keys/incidents /keys/archive \
        /keys/serve /keys/operator
ENV PATH=/opt/nexara/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    OMP_NUM_THREADS=1 \
    NEXARA_CACHE=/var/lib/nexara/models \
    NEXARA_SITE=/etc/nexara/site.yaml
WORKDIR /var/lib/nexara
USER 10001:10001
ENTRYPOINT ["nexara"]
CMD ["--help"]

FROM runtime AS cuda
COPY --from=build-cuda /opt/nexara /opt/nexara

FROM runtime AS cpu
COPY --from=build-cpu /opt/nexara /opt/nexara
