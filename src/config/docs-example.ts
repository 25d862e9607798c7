/** The annotated example of the reference page. A test loads it. */
export const EXAMPLE = `#:schema ./tenement.schema.json
[settings]
data_dir = "./tenement-data"
listen = ["127.0.0.1:8080", "[::1]:8080"]
trusted_proxies = ["127.0.0.1"]        # a Caddy or nginx on this machine
admin_host = "ops.example.com"         # dashboard and API answer there only

[service.notes]
command = "python3 app.py --port {port}"
isolation = "process"
health = "/health"
idle_timeout = "5m"                    # asleep after five minutes without an open request
stop_timeout = 15                      # a number counts as seconds
restart = "on-failure"
storage_quota_mb = 100
max_body = "50M"
pass_env = ["STRIPE_KEY"]              # from the server's own environment
# env_file = "/etc/notes.env"          # KEY=value lines, mode 0600: secrets stay out of this file

[service.notes.env]
DB = "{data_dir}/{name}/{id}/notes.db" # an own directory for each customer, made before the start

[service.site]
command = "./site"
args = ["--root", "public files"]      # explicit arguments: nothing is split
isolation = "process"
balance = true                         # site.example.com goes to one of its instances, by weight

[instances]
notes = ["alice", "bob"]               # started at boot
site = ["v1"]

[routing]
default = "site"                       # example.com
tenants = "notes"                      # alice.example.com is notes:alice

[routing.subdomain]
www = "site"                           # www.example.com

[routing.path]
"/blog" = "site"                       # example.com/blog/...
`;
