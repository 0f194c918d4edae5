"""Who is measured at what. Every server is started in the foreground with one worker, on loopback."""
import dataclasses
import os
import pathlib
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = pathlib.Path(os.environ.get("RWS_BIN_DIR") or ROOT / "target" / "release")
PLAIN, STATIC, PROXY, HTTP2 = "plain", "static", "proxy", "http2"
FILES = {"1k.bin": 1024, "64k.bin": 64 * 1024, "10m.bin": 10 * 1024 * 1024}
OURS = "rws"


@dataclasses.dataclass
class Scene:
    """Where the servers' files are: configurations, logs, the files to serve, and the upstream's port."""
    folder: pathlib.Path
    upstream_port: int = 0

    @property
    def www(self) -> pathlib.Path:
        return self.folder / "www"

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def lay_out_files(self) -> None:
        self.www.mkdir(exist_ok=True)
        for name, length in FILES.items():
            (self.www / name).write_bytes(bytes(range(256)) * (length // 256))
        (self.www / "hello.txt").write_text("Hello, World!")


@dataclasses.dataclass(frozen=True)
class Contestant:
    name: str
    role: str
    command: Callable[[Scene, int], list[str]]
    # Whether it ends a connection when asked to by `Connection: close`.
    closes: bool = True


def binary(name: str) -> str:
    return str(BINARIES / name)


def raw(_: Scene, port: int) -> list[str]:
    return [binary("raw-floor"), str(port)]


def raw_close(_: Scene, port: int) -> list[str]:
    return [binary("raw-floor"), str(port), "close"]


def raw_with_body(body_bytes: int) -> Callable[[Scene, int], list[str]]:
    return lambda _, port: [binary("raw-floor"), str(port), str(body_bytes)]


def hello(_: Scene, port: int) -> list[str]:
    return [binary("hello"), "--port", str(port), "--shards", "1"]


def rust_peer(name: str) -> Callable[[Scene, int], list[str]]:
    return lambda _, port: [binary(f"peer-{name}"), str(port)]


NGINX = """daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid {folder}/nginx-{port}.pid; error_log {folder}/nginx-error.log crit;
events {{ worker_connections 15000; multi_accept on; }}
http {{
    access_log off; server_tokens off; default_type text/plain; tcp_nodelay on; sendfile on;
    open_file_cache max=64 inactive=1h; keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path {folder}/nginx-a; proxy_temp_path {folder}/nginx-b; fastcgi_temp_path {folder}/nginx-c;
    uwsgi_temp_path {folder}/nginx-d; scgi_temp_path {folder}/nginx-e;
    upstream app {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 1000000000; }}
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {action} }} }}
}}
"""


def nginx(action: str) -> Callable[[Scene, int], list[str]]:
    def command(scene: Scene, port: int) -> list[str]:
        text = NGINX.format(folder=scene.folder, port=port, upstream=scene.upstream_port or 9, action=action.format(www=scene.www))
        return ["nginx", "-e", str(scene.folder / "nginx-early.log"), "-c", scene.write(f"nginx-{port}.conf", text)]
    return command


H2O = """listen: {{ host: 127.0.0.1, port: {port} }}
user: root
num-threads: 1
max-connections: 15000
http1-request-timeout: 3600
pid-file: {folder}/h2o-{port}.pid
error-log: {folder}/h2o-error.log
proxy.timeout.keepalive: 60000
hosts:
  default:
    paths:
      "/":
        {action}
"""


def h2o(action: str) -> Callable[[Scene, int], list[str]]:
    def command(scene: Scene, port: int) -> list[str]:
        text = H2O.format(folder=scene.folder, port=port, action=action.format(www=scene.www, upstream=scene.upstream_port))
        return ["h2o", "-m", "worker", "-c", scene.write(f"h2o-{port}.conf", text)]
    return command


def lighttpd(scene: Scene, port: int) -> list[str]:
    text = f"""server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{scene.www}"
server.max-keep-alive-requests = 2147483647
server.max-keep-alive-idle = 3600
server.max-connections = 15000
server.max-fds = 20000
mimetype.assign = ( ".bin" => "application/octet-stream" )
"""
    return ["lighttpd", "-D", "-f", scene.write(f"lighttpd-{port}.conf", text)]


def haproxy(scene: Scene, port: int) -> list[str]:
    text = f"""global
    nbthread 1
    maxconn 6000
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    option http-keep-alive
    http-reuse always
listen front
    bind 127.0.0.1:{port} backlog 4096
    server app 127.0.0.1:{scene.upstream_port}
"""
    return ["haproxy", "-db", "-q", "-f", scene.write(f"haproxy-{port}.cfg", text)]


def rws_static(scene: Scene, port: int) -> list[str]:
    text = f"""access_log = false
thread_count = 1

[[route]]
name = "files"
[route.match]
path = "/*"
[route.action]
type = "static"
root = "{scene.www}"
"""
    return rws(scene, port, text)


def rws_proxy(scene: Scene, port: int) -> list[str]:
    text = f"""access_log = false
thread_count = 1

[[upstream]]
name = "app"
backends = ["127.0.0.1:{scene.upstream_port}"]

[[route]]
name = "everything"
[route.match]
path = "/*"
[route.action]
type = "proxy"
upstream = "app"
"""
    return rws(scene, port, text)


def rws(scene: Scene, port: int, config: str) -> list[str]:
    return [binary("rws"), "--config", scene.write(f"rws-{port}.toml", config), "--ip", "127.0.0.1", "--port", str(port)]


NGINX_PROXY = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_pass http://app;'

CONTESTANTS = [
    Contestant(OURS, PLAIN, hello),
    Contestant("nginx", PLAIN, nginx('return 200 "Hello, World!";')),
    Contestant("hyper", PLAIN, rust_peer("hyper")),
    Contestant("axum", PLAIN, rust_peer("axum")),
    Contestant("actix-web", PLAIN, rust_peer("actix")),
    Contestant("may_minihttp", PLAIN, rust_peer("may"), closes=False),
    Contestant(OURS, STATIC, rws_static),
    Contestant("nginx", STATIC, nginx("root {www};")),
    Contestant("lighttpd", STATIC, lighttpd),
    Contestant("h2o", STATIC, h2o('file.dir: "{www}"')),
    Contestant(OURS, PROXY, rws_proxy),
    Contestant("nginx", PROXY, nginx(NGINX_PROXY)),
    Contestant("haproxy", PROXY, haproxy),
    Contestant(OURS, HTTP2, hello),
    # It has no fixed answers; a file of 13 bytes is the shortest way that it has.
    Contestant("h2o", HTTP2, h2o('file.file: "{www}/hello.txt"')),
    Contestant("h2o", PROXY, h2o('proxy.reverse.url: "http://127.0.0.1:{upstream}/"')),
]


def of(role: str) -> list[Contestant]:
    return [one for one in CONTESTANTS if one.role == role]
