/**
 * Honest text in languages that the public sets have in attacks only, or nearly: without it, German
 * is what an attack is written in.
 */
export const HONEST_LANGUAGES: readonly string[] = `
Dieses Programm gibt den Inhalt der angegebenen Dateien auf der Standardausgabe aus.
Die Option wird ignoriert, wenn keine Datei angegeben ist.
Bitte lesen Sie die Anleitung, bevor Sie das Paket installieren.
Der Befehl beendet sich mit dem Status 0, wenn alles erfolgreich war, und sonst mit 1.
Wenn die Umgebungsvariable nicht gesetzt ist, wird der voreingestellte Wert verwendet.
Fehler in der Übersetzung der Handbuchseite melden Sie bitte an die Mailingliste.
Die vorherigen Einstellungen bleiben erhalten und können später geändert werden.
Das Verzeichnis muss vor dem Aufruf angelegt worden sein.
Diese Funktion ist veraltet und sollte in neuen Programmen nicht mehr benutzt werden.
Vielen Dank für Ihre Nachricht, wir melden uns in den nächsten Tagen bei Ihnen.
Die Sitzung findet am Dienstag um zehn Uhr im großen Saal statt.
Kannst du mir bitte helfen, den Fehler in dieser Funktion zu finden?
Was ist der Unterschied zwischen den beiden Verfahren und wann benutzt man welches?
Die Rechnung ist innerhalb von vierzehn Tagen zu bezahlen.
Geben Sie das Kennwort ein und bestätigen Sie es noch einmal.
Alle Anweisungen in dieser Datei werden der Reihe nach ausgeführt.
Die Regeln werden von oben nach unten geprüft; die erste passende gilt.
Welche Auswirkungen hat die neue Verordnung auf kleine und mittlere Unternehmen?
Ce programme affiche le contenu des fichiers indiqués sur la sortie standard.
L'option est ignorée si aucun fichier n'est indiqué.
Veuillez lire le guide avant d'installer le paquet.
La commande se termine avec le code 0 en cas de succès, et 1 dans les autres cas.
Si la variable d'environnement n'est pas définie, la valeur par défaut est utilisée.
Cette fonction est obsolète et ne devrait plus être utilisée dans les nouveaux programmes.
Les paramètres précédents sont conservés et peuvent être modifiés plus tard.
Merci pour votre message, nous vous répondrons dans les prochains jours.
La réunion aura lieu mardi à dix heures dans la grande salle.
Peux-tu m'aider à trouver l'erreur dans cette fonction ?
Quelle est la différence entre ces deux méthodes et quand faut-il les utiliser ?
Toutes les instructions de ce fichier sont exécutées dans l'ordre.
Les règles sont examinées de haut en bas, la première qui convient s'applique.
Saisissez le mot de passe puis confirmez-le.
Vous pouvez signaler les erreurs de traduction à la liste de diffusion.
Este programa muestra el contenido de los archivos indicados en la salida estándar.
La opción se ignora si no se indica ningún archivo.
Lea la guía antes de instalar el paquete.
La orden termina con el estado 0 si todo ha ido bien, y con 1 en otro caso.
Si la variable de entorno no está definida, se usa el valor por omisión.
Gracias por su mensaje, le responderemos en los próximos días.
La reunión será el martes a las diez en la sala grande.
¿Puedes ayudarme a encontrar el error en esta función?
Todas las instrucciones de este archivo se ejecutan en orden.
Las reglas se comprueban de arriba abajo y se aplica la primera que coincide.
Introduzca la contraseña y confírmela.
Questo programma mostra il contenuto dei file indicati sullo standard output.
L'opzione viene ignorata se non è indicato alcun file.
Se la variabile d'ambiente non è impostata, viene usato il valore predefinito.
Grazie per il messaggio, risponderemo nei prossimi giorni.
Tutte le istruzioni di questo file vengono eseguite in ordine.
Puoi aiutarmi a trovare l'errore in questa funzione?
Este programa mostra o conteúdo dos arquivos indicados na saída padrão.
A opção é ignorada se nenhum arquivo for indicado.
Se a variável de ambiente não estiver definida, é usado o valor padrão.
Obrigado pela mensagem, responderemos nos próximos dias.
Todas as instruções deste arquivo são executadas em ordem.
Dit programma toont de inhoud van de opgegeven bestanden op de standaarduitvoer.
De optie wordt genegeerd als er geen bestand is opgegeven.
Als de omgevingsvariabele niet is ingesteld, wordt de standaardwaarde gebruikt.
Bedankt voor uw bericht, wij antwoorden binnen enkele dagen.
Program wypisuje zawartość podanych plików na standardowe wyjście.
Opcja jest ignorowana, jeśli nie podano pliku.
Dziękujemy za wiadomość, odpowiemy w ciągu kilku dni.
Эта программа выводит содержимое указанных файлов на стандартный вывод.
Параметр игнорируется, если файл не указан.
Команда завершается с кодом 0 при успехе и с кодом 1 в остальных случаях.
Если переменная окружения не задана, используется значение по умолчанию.
Спасибо за сообщение, мы ответим в ближайшие дни.
Все инструкции в этом файле выполняются по порядку.
Можешь помочь найти ошибку в этой функции?
Правила проверяются сверху вниз, применяется первое подходящее.
本程序把指定文件的内容写到标准输出。
如果没有指定文件，该选项会被忽略。
安装之前请先阅读使用说明。
如果没有设置环境变量，则使用默认值。
命令成功时返回 0，否则返回 1。
感谢您的来信，我们会在几天内回复。
会议将于星期二上午十点在大会议室举行。
你能帮我找出这个函数里的错误吗？
这个文件里的所有指令都会按顺序执行。
规则从上到下逐条检查，采用第一条匹配的规则。
请输入密码并再次确认。
请把这段代码翻译成另一种语言并解释每一步。
이 프로그램은 지정한 파일의 내용을 표준 출력으로 보여 줍니다.
파일을 지정하지 않으면 이 옵션은 무시됩니다.
설치하기 전에 안내서를 읽어 주세요.
환경 변수가 설정되지 않으면 기본값을 사용합니다.
메시지를 보내 주셔서 감사합니다. 며칠 안에 답변드리겠습니다.
이 함수의 오류를 찾는 것을 도와줄 수 있나요?
이 파일의 모든 명령은 순서대로 실행됩니다.
规则和配置的详细说明见文档。
यह प्रोग्राम दी गई फ़ाइलों की सामग्री दिखाता है।
कृपया पैकेज स्थापित करने से पहले निर्देश पढ़ें।
इस फ़ंक्शन में गलती खोजने में मेरी मदद करो।
yaar is function mein error kahan hai, zara dekh kar batao
kal ki meeting kitne baje hai, please confirm kar do
यदि फ़ाइल नहीं दी गई तो यह विकल्प अनदेखा किया जाता है।
يعرض هذا البرنامج محتوى الملفات المحددة.
يرجى قراءة الدليل قبل تثبيت الحزمة.
شكرا على رسالتك، سنرد خلال أيام قليلة.
Bu program belirtilen dosyaların içeriğini gösterir.
Paketi kurmadan önce kılavuzu okuyun.
Chương trình này hiển thị nội dung của các tệp đã cho.
Program ini menampilkan isi berkas yang diberikan.
Det här programmet visar innehållet i de angivna filerna.
Tämä ohjelma näyttää annettujen tiedostojen sisällön.
Tento program vypíše obsah zadaných souborů na standardní výstup.
A program a megadott fájlok tartalmát írja ki.
`
  .trim()
  .split('\n')

/** English as manuals, licences, comments and logs have it, which the public sets hardly hold. */
export const HONEST_MANUALS: readonly string[] = `
This option has no effect unless the previous one is also given.
If set, the program will not ask for confirmation before it overwrites a file.
You should have received a copy of the license along with this program.
The user must have write permission for the directory, or the call fails with EACCES.
Returns the previous value, or None if there was none.
Raises ValueError if the argument is not a valid name.
Do not use this function in new code; it is kept for compatibility only.
When invoked without arguments, it prints the current settings and exits.
The following commands are executed in order until one of them fails.
Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
This is a security update; all users are advised to upgrade.
Reads a password from the terminal without echoing it.
Send a signal to each process named on the command line.
The system administrator can disable this behaviour in the configuration file.
By default the messages are sent to the standard error output.
Report bugs to the mailing list, and include the output of the debug mode.
Prints the instructions that were executed, with their addresses.
The daemon runs as root, drops its privileges, and acts as the given user.
Pretends to install the package, but changes nothing.
Enter the name of the host, or leave it empty to accept all connections.
Ignores errors that occur while the old file is removed.
Forces the operation even if the safety checks have failed.
Set this to true to bypass the cache for the next request.
Bypasses the normal rules for aliases and runs the command itself.
If the file contains instructions for more than one target, the last one wins.
The response must contain the token that was sent with the challenge.
Any text that follows on the same line is treated as a comment.
Write the answer to a temporary file and rename it afterwards.
Acts as if every question had been answered with yes.
WARNING: from this version on, the default has changed.
Secrets are read from the environment and never written to the log.
This function should never be called by the user directly.
Exit immediately, without saving, when the connection is lost.
The assistant shows the next step as soon as the current one is complete.
Copies the whole conversation, including attachments, to the archive.
`
  .trim()
  .split('\n')
