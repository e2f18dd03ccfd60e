import { words, type Row } from './exec-facts.ts'

export const TOOL_ROWS: readonly Row[] = [
  {
    rule: 'debugger',
    does: [words('strace -p 1'), words('gdb -p 42')],
    doesNot: [words('node --inspect x.js'), words('go vet')],
  },
  {
    rule: 'persistence',
    does: [
      words('crontab -'),
      words('crontab job.txt'),
      words('systemctl enable x'),
      words('systemd-run x'),
    ],
    doesNot: [words('crontab -l'), words('systemctl status x'), words('git enable x')],
  },
  {
    rule: 'scheduler',
    does: [words('at now'), words('crontab -l'), words('systemctl restart x')],
    doesNot: [words('systemctl status x'), words('cat /etc/crontab'), words('date')],
  },
  {
    rule: 'kernel-tool',
    does: [words('insmod x.ko'), words('bpftool prog list')],
    doesNot: [words('lsmod'), words('modinfo overlay')],
  },
  {
    rule: 'device-tool',
    does: [words('mount -t tmpfs t /mnt'), words('mknod sda b 8 0'), words('sysctl -w kernel.x=1')],
    doesNot: [
      words('mountpoint /'),
      words('mknod pipe p'),
      words('sysctl kernel.ostype'),
      words('findmnt'),
    ],
  },
  {
    rule: 'namespace-entry',
    does: [
      words('nsenter -t 1 -a'),
      words('docker run --privileged alpine'),
      words('docker run -v /:/host alpine'),
    ],
    doesNot: [
      words('docker build .'),
      words('docker run -v /workspace/x:/x alpine'),
      words('lsns'),
    ],
  },
  {
    rule: 'container-tool',
    does: [words('docker build .'), words('unshare -r sh'), words('chroot /tmp/x')],
    doesNot: [words('docker-credential-helper get'), words('hadolint Dockerfile')],
  },
  {
    rule: 'setuid-bit',
    does: [
      words('chmod u+s x'),
      words('chmod 4755 x'),
      words('setcap cap_net_raw+ep x'),
      words('install -m 4755 x /tmp'),
    ],
    doesNot: [
      words('chmod 755 x'),
      words('chmod +x x'),
      words('chmod 2775 dir'),
      words('chmod 1777 dir'),
      words('chmod u=rwX,go=rX dir'),
      words('install -m 0755 x bin'),
    ],
  },
  {
    rule: 'privilege-tool',
    does: [words('sudo apt install x'), words('su -'), words('pkexec x')],
    doesNot: [words('id'), words('sum x')],
  },
  {
    rule: 'file-attributes',
    does: [words('chattr +i x'), words('chattr -i x')],
    doesNot: [words('lsattr x'), words('chattr +C x')],
  },
  {
    rule: 'scanner',
    does: [words('nmap -sS 10.0.0.0/8'), words('hydra -l root ssh://x')],
    doesNot: [words('ss -lnt'), words('ping localhost')],
  },
  {
    rule: 'tunnel',
    does: [words('chisel client x'), words('cloudflared tunnel')],
    doesNot: [words('ssh host'), words('curl https://ngrok.example')],
  },
  {
    rule: 'system-package',
    does: [
      words('apt-get -y install jq'),
      words('dpkg -i x.deb'),
      words('npm install -g x', { path: '/usr/lib/node_modules/npm/bin/npm-cli.js' }),
    ],
    doesNot: [
      words('apt-get --version'),
      words('dpkg -l'),
      words('npm test', { path: '/usr/lib/npm-cli.js' }),
    ],
  },
  {
    rule: 'package-install',
    does: [
      words('npm ci', { path: '/usr/lib/node_modules/npm/bin/npm-cli.js' }),
      words('node /usr/lib/node_modules/npm/bin/npm-cli.js install x'),
      words('pip install -r requirements.txt'),
      words('python3.11 -m pip install x'),
      words('cargo add serde'),
      words('go get x'),
      words('gem install x'),
    ],
    doesNot: [
      words('npm test', { path: '/usr/lib/node_modules/npm/bin/npm-cli.js' }),
      words('npm run install-hooks', { path: '/usr/lib/node_modules/npm/bin/npm-cli.js' }),
      words('pip list'),
      words('python3 -m pytest install'),
      words('cargo build'),
      words('go build ./...'),
      words('make install'),
    ],
  },
]
