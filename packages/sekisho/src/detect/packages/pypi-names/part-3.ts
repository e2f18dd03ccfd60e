/** Made by scripts/pypi-names.ts. */
export const NAMES = `
sqlacodegen sqlalchemy sqlalchemy-i18n sqlalchemy-migrate sqlalchemy-utc sqlalchemy-utils sqlglot
sqlite-fts4 sqlite-utils sqlitedict sqlmodel sqlobject sqlparse sqlreduce sqt squaremap srp srsly
srt ssdeep ssh-audit ssh-import-id sshoot sshpubkeys sshtunnel sshuttle stack-data stardicter
starlette static3 staticsite statmake statsd statsmodels stdeb stdlib-list stegcracker stem stepic
stestr stetl stevedore stgit stomp-py stomper stone stopit storm straight-plugin streamdeck
streamdeck-ui streamlink streamz stressant strictyaml stringtemplate3 stripe structlog stsci-tools
stubserver subdownloader sublime-music subliminal sublist3r subprocess-tee subuser subvertpy
suds-community suitesparse-graphblas sumolib sunlight sunpy sunpy-sphinx-theme suntime superqt
supervisor supysonic sure suricata-update surpyvor sushy sushy-cli svg-path svgelements svglib
svgwrite svim swagger-spec-validator swapper swift swift-bench swiftsc swiglpk sword swugenerator
sybil syllabipy symfit sympy synadm syncplay syncthing-gtk synphot systemd-python systemfixtures
sysv-ipc tables tablib tabulate tagpy tap-as-a-service tap-py taskflow tasklib taskw taurus
taurus-pyqtgraph tblib tcolorpy td-watson telegram-send telemetry-tempest-plugin telethon tempest
tempest-horizon tempita tempora tenacity termbox termcolor terminado terminaltables terminator
termineter tesserocr test-server testfixtures testing-common-database testing-mysqld
testing-postgresql testpath testrepository testresources testscenarios testtools texext
text-unidecode textdistance textfsm textile texttable textual tf tf-conversions tf2-geometry-msgs
tf2-kdl tf2-py tf2-ros tf2-sensor-msgs theano thefuzz thinc thonny threadpoolctl three-merge
thrift thriftpy throttler tiddit tifffile tiledb time-decode timeline timeout-decorator tinyalign
tinyarray tinycss tinycss2 tinydb tinyobjloader tinyrpc tipp tkcalendar tkintertreectrl tkrzw
tksnack tld tldextract tldp tldr-py tlsh tmdbsimple tmuxp tnetstring3 tnseq-transit todoman toil
tokenize-rt tomahawk toml tomli tomli-w tomlkit tomogui toolz toot tooz topic-tools toposort
topplot torch torchaudio torchtext torchvision tornado toro torrequest tortoisehg tosca-parser
totalopenstation towncrier tox tpm2-pkcs11-tools tpm2-pytss tpot tqdm trac traci
trafficserver-exporter traitlets traits traitsui traittypes transaction transforms3d transip
transitions translate-toolkit translation-finder translationstring translitcodec transliterate
transmissionrpc trash-cli traxtor treq trezor trimage trio trio-websocket trollimage trollsift
trololio trove trove-classifiers trove-dashboard trove-tempest-plugin trufont trustme
trydiffoscope tryton trytond trytond-account trytond-account-asset trytond-account-be
trytond-account-cash-rounding trytond-account-credit-limit trytond-account-de-skr03
trytond-account-deposit trytond-account-dunning trytond-account-dunning-email
trytond-account-dunning-fee trytond-account-dunning-letter trytond-account-es trytond-account-eu
trytond-account-fr trytond-account-fr-chorus trytond-account-invoice
trytond-account-invoice-correction trytond-account-invoice-defer trytond-account-invoice-history
trytond-account-invoice-line-standalone trytond-account-invoice-secondary-unit
trytond-account-invoice-stock trytond-account-payment trytond-account-payment-braintree
trytond-account-payment-clearing trytond-account-payment-sepa trytond-account-payment-sepa-cfonb
trytond-account-payment-stripe trytond-account-product trytond-account-statement
trytond-account-statement-aeb43 trytond-account-statement-coda trytond-account-statement-ofx
trytond-account-statement-rule trytond-account-stock-anglo-saxon trytond-account-stock-continental
trytond-account-stock-landed-cost trytond-account-stock-landed-cost-weight
trytond-account-tax-cash trytond-account-tax-rule-country trytond-analytic-account
trytond-analytic-invoice trytond-analytic-purchase trytond-analytic-sale trytond-attendance
trytond-authentication-sms trytond-bank trytond-carrier trytond-carrier-percentage
trytond-carrier-subdivision trytond-carrier-weight trytond-commission trytond-commission-waiting
trytond-company trytond-company-work-time trytond-country trytond-currency trytond-customs
trytond-dashboard trytond-edocument-uncefact trytond-edocument-unece trytond-google-maps
trytond-incoterm trytond-ldap-authentication trytond-marketing trytond-marketing-automation
trytond-marketing-email trytond-notification-email trytond-party trytond-party-avatar
trytond-party-relationship trytond-party-siret trytond-product trytond-product-attribute
trytond-product-classification trytond-product-classification-taxonomic trytond-product-cost-fifo
trytond-product-cost-history trytond-product-cost-warehouse trytond-product-kit
trytond-product-measurements trytond-product-price-list trytond-product-price-list-dates
trytond-product-price-list-parent trytond-production trytond-production-outsourcing
trytond-production-routing trytond-production-split trytond-production-work
trytond-production-work-timesheet trytond-project trytond-project-invoice trytond-project-plan
trytond-project-revenue trytond-purchase trytond-purchase-amendment trytond-purchase-history
trytond-purchase-invoice-line-standalone trytond-purchase-price-list trytond-purchase-request
trytond-purchase-request-quotation trytond-purchase-requisition trytond-purchase-secondary-unit
trytond-purchase-shipment-cost trytond-sale trytond-sale-advance-payment trytond-sale-amendment
trytond-sale-complaint trytond-sale-credit-limit trytond-sale-discount trytond-sale-extra
trytond-sale-gift-card trytond-sale-history trytond-sale-invoice-grouping trytond-sale-opportunity
trytond-sale-payment trytond-sale-price-list trytond-sale-product-customer trytond-sale-promotion
trytond-sale-promotion-coupon trytond-sale-secondary-unit trytond-sale-shipment-cost
trytond-sale-shipment-grouping trytond-sale-shipment-tolerance trytond-sale-stock-quantity
trytond-sale-subscription trytond-sale-subscription-asset trytond-sale-supply
trytond-sale-supply-drop-shipment trytond-sale-supply-production trytond-stock
trytond-stock-assign-manual trytond-stock-consignment trytond-stock-forecast
trytond-stock-inventory-location trytond-stock-location-move trytond-stock-location-sequence
trytond-stock-lot trytond-stock-lot-sled trytond-stock-lot-unit trytond-stock-package
trytond-stock-package-shipping trytond-stock-package-shipping-dpd
trytond-stock-package-shipping-ups trytond-stock-product-location
trytond-stock-quantity-early-planning trytond-stock-quantity-issue trytond-stock-secondary-unit
trytond-stock-shipment-cost trytond-stock-shipment-measurements trytond-stock-split
trytond-stock-supply trytond-stock-supply-day trytond-stock-supply-forecast
trytond-stock-supply-production trytond-timesheet trytond-timesheet-cost trytond-user-role
trytond-web-shop trytond-web-shop-vue-storefront trytond-web-shop-vue-storefront-stripe
trytond-web-shortener trytond-web-user ttconv ttkthemes ttystatus tuna tuspy tweepy twilio twine
twisted twitterwatch twms twodict twomemo twython txacme txaio txdbus txrequests txsni txt2tags
txtorcon txws txzmq typecatcher typechecks typed-ast typedload typeguard typepy typer
types-aiofiles types-annoy types-appdirs types-aws-xray-sdk types-babel
types-backports-ssl-match-hostname types-beautifulsoup4 types-bleach types-boto types-braintree
types-cachetools types-caldav types-certifi types-cffi types-chardet types-chevron
types-click-spinner types-colorama types-commonmark types-console-menu types-contextvars
types-croniter types-cryptography types-d3dshot types-dateparser types-datetimerange
types-decorator types-deprecated types-dj-database-url types-docopt types-docutils
types-editdistance types-emoji types-entrypoints types-first types-flake8-2020
types-flake8-bugbear types-flake8-builtins types-flake8-docstrings types-flake8-plugin-utils
types-flake8-rst-docstrings types-flake8-simplify types-flake8-typing-imports types-flask-cors
types-flask-sqlalchemy types-fpdf2 types-gdb types-google-cloud-ndb types-hdbcli types-html5lib
types-httplib2 types-humanfriendly types-invoke types-jack-client types-jmespath types-jsonschema
types-keyboard types-ldap3 types-markdown types-mock types-mypy-extensions types-mysqlclient
types-oauthlib types-openpyxl types-opentracing types-paho-mqtt types-paramiko types-parsimonious
types-passlib types-passpy types-peewee types-pep8-naming types-pillow types-playsound types-polib
types-prettytable types-protobuf types-psutil types-psycopg2 types-pyaudio types-pyautogui
types-pycurl types-pyfarmhash types-pyflakes types-pygments types-pyinstaller types-pymysql
types-pynput types-pyopenssl types-pyrfc3339 types-pyscreeze types-pysftp
types-pytest-lazy-fixture types-python-crontab types-python-dateutil types-python-gflags
types-python-jose types-python-nmap types-python-slugify types-pytz types-pyvmomi types-pywin32
types-pyyaml types-redis types-regex types-requests types-retry types-send2trash types-setuptools
types-simplejson types-singledispatch types-six types-slumber types-sqlalchemy types-stdlib-list
types-stripe types-tabulate types-termcolor types-toml types-toposort types-tqdm types-tree-sitter
types-tree-sitter-languages types-ttkthemes types-typed-ast types-tzlocal types-ujson
types-urllib3 types-vobject types-waitress types-whatthepatch types-xmltodict types-xxhash
types-zxcvbn typing-extensions typing-inspect typogrify tz-converter tzlocal u-msgpack-python
ua-parser uamqp ubuntu-dev-tools uc-micro-py udatetime udiskie ueberzug uflash ufo-extractor
ufo2ft ufo2otf ufolib2 ufonormalizer ufoprocessor ufw uhashring ujson ulmo umap-learn umis
unattended-upgrades uncalled uncertainties undertime unearth unicodecsv unicodedata2 unicorn
unicycler unidecode unidiff unifrac unittest-xml-reporting unittest2 unknownhorizons
unpaddedbase64 untangle untokenize unyt upass upsetplot upstream-ontologist uritemplate uritools
url-normalize urllib3 urlobject urlscan urlwatch urwid urwid-readline urwid-satext urwid-utils
urwidtrees usagestats usbrelay-py usbsdmux user-agents userpath utf8-locale utidylib uvicorn
uvloop validate validators validictory vanguards variety vcrpy vcstool vcstools vcversioner vdf
vdirsyncer vedo vega-datasets venusian versioneer versiontools veusz vf-1 vfit viagee vine vinetto
virtaal virtnbdbackup virtualenv virtualenv-clone virtualenvwrapper virtualmailmanager
virustotal-api visidata vispy vistrails vit vitrage vitrage-dashboard vitrage-tempest-plugin vmdb2
vmdkstream vobject volatildap volatile voltron voluptuous voluptuous-serialize vorta
vsts-cd-manager vttlib vulndb vulture w3lib wadllib wafw00f waiting waitress wajig walinuxagent
wand wapiti3 warlock wasabi watchdog watcher-dashboard watcher-tempest-plugin watchgod
wcag-contrast-ratio wchartype wcmatch wcwidth wdlparse weasyprint web-py webargs webassets
webcolors webdavclient3 webencodings weblogo webob websocket-client websocket-httpd websockets
websockify websploit webtest webvtt-py werkzeug wfuzz wget whatmaps whatthepatch wheel
wheezy-template whichcraft whipper whisper whitenoise whois whoosh widgetsnbextension wifite
wikitrans wikkid wilderness willow wimsapi wither wlc wokkel wordcloud workalendar wrapt ws4py
wsaccel wsgi-intercept wsgicors wsgilog wsgiproxy2 wsme wsproto wstool wtf-peewee wtforms
wtforms-alchemy wtforms-components wtforms-json wtforms-test wurlitzer wxmplot wxpython wxutils
x-tile x-wr-timezone x2go x2gobroker x3dh xandikos xapers xapian-haystack xarray xarray-sentinel
xattr xcffib xdg xdo xdot xeddsa xeus-python-shell xgboost xhtml2pdf xkcd xkcdpass xlrd xlsxwriter
xlwt xmds2 xmldiff xmlschema xmlsec xmltodict xmodem xonsh xopen xphyle xpore xpra xraydb
xraylarch xrayutilities xrootd xrstools xrt xsdata xstatic xstatic-angular
xstatic-angular-bootstrap xstatic-angular-cookies xstatic-angular-fileupload
xstatic-angular-gettext xstatic-angular-lrdragndrop xstatic-angular-mock
xstatic-angular-schema-form xstatic-angular-ui-router xstatic-angular-uuid xstatic-angular-vis
xstatic-bootstrap-datepicker xstatic-bootstrap-scss xstatic-bootswatch xstatic-d3 xstatic-dagre
xstatic-dagre-d3 xstatic-filesaver xstatic-font-awesome xstatic-graphlib xstatic-hogan
xstatic-jasmine xstatic-jquery xstatic-jquery-bootstrap-wizard xstatic-jquery-migrate
xstatic-jquery-quicksearch xstatic-jquery-tablesorter xstatic-jquery-ui xstatic-js-yaml
xstatic-jsencrypt xstatic-json2yaml xstatic-lodash xstatic-magic-search xstatic-mdi xstatic-moment
xstatic-moment-timezone xstatic-objectpath xstatic-qunit xstatic-rickshaw xstatic-roboto-fontface
xstatic-smart-table xstatic-spin xstatic-term-js xstatic-tv4 xtermcolor xvfbwrapper xxdiff-scripts
xxhash xyzservices yamllint yamlordereddictloader yanagiba yanc yanosim yapf yappi yapps2 yapsy
yaql yara-python yaramod yarl yarsync yaswfp yattag yenc yokadi yowsup yoyo-migrations yt yt-dlp
yubikey-manager yubiotp zake zaqar zaqar-tempest-plugin zaqar-ui zarr zc-buildout
zc-customdoctests zc-lockfile zeep zeroconf zfec zict zigpy zim zipp zipstream zipstream-ng zkg
zktop zlmdb zodbpickle zookeeper zope-component zope-configuration zope-deprecation zope-event
zope-exceptions zope-hookable zope-i18nmessageid zope-interface zope-location zope-proxy
zope-schema zope-security zope-testing zope-testrunner zstandard zstd zvmcloudconnector zxcvbn
zzzeeksphinx
`
